// What this browser keeps: texts of the person who is signed in, until they sign out (localStorage), and choices
// of look and keys, for a year (cookies). Where that is forbidden or full, pages work without.
const PREFIX = "signoff:";
const SIGNED_OUT = `${PREFIX}signed-out`;
const YEAR = 365 * 24 * 3600; // s
let isKept = true;

/** The text of that name, or null. */
export function read(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Keep a text; null removes it. Gives whether it is kept. */
export function write(name, text) {
  if (!isKept && text !== null) return false;
  try {
    if (text === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
    return true;
  } catch {
    return false;
  }
}

/** The names that begin so. */
export function names(prefix) {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX + prefix))
      .map((name) => name.slice(PREFIX.length));
  } catch {
    return [];
  }
}

/** A choice made here, or undefined. */
export function choice(name) {
  return new RegExp(`(?:^|; )signoff_${name}=([a-z]+)`).exec(document.cookie)?.[1];
}

/** Keep a choice; null forgets it. */
export function choose(name, value) {
  document.cookie = `signoff_${name}=${value ?? ""}; path=/; samesite=lax; max-age=${value === null ? 0 : YEAR}`;
}

// Signing out -------------------------------------------------------------------------------------------------

/** Texts are kept again: the person has signed in. */
export function keepAgain() {
  isKept = true;
}

document.addEventListener("submit", (event) => {
  // Whoever signs out leaves nothing behind on this machine, nor do their other tabs, which are told.
  if (event.target.getAttribute("action") !== "/sign-out") return;
  for (const name of names("")) write(name, null);
  write("signed-out", String(Date.now()));
  write("signed-out", null);
  isKept = false;
});
addEventListener("storage", ({ key, newValue }) => {
  if (key === SIGNED_OUT && newValue !== null) isKept = false;
});
