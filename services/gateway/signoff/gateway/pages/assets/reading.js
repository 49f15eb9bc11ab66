// Reads pages of this server for modules, and tells what came of it.
const LIMIT = 20_000; // ms
const LATER = new Set([408, 429]);

/** What to tell of a page that did not come, by its state. */
export const WHY = {
  out: "You are signed out.",
  busy: "The server cannot answer now. Try again in a moment.",
  away: "The server could not be reached. Try again in a moment.",
};

/**
 * Ask for a page, with fetch's options; messages: the message that was left for it comes, too.
 *
 * Resolves to { state, page, wait }: "page"; "out": the visitor has to sign in, or to change their password
 * (mustRenew); "over": there is no such page, or not for them; "busy": the server cannot answer now, but may in
 * `wait` seconds (0: it does not say); "away": no answer came. page: the document that came, or an empty one.
 */
export async function readPage(url, { messages = false, headers, signal, ...options } = {}) {
  const { workspace } = document.body.dataset;
  const sent = { ...(!messages && { "Signoff-Live": "1" }), ...(workspace && { "X-Workspace-Id": workspace }), ...headers };
  const either = AbortSignal.any([AbortSignal.timeout(LIMIT), ...(signal ? [signal] : [])]);
  try {
    const answer = await fetch(url, { ...options, headers: sent, redirect: "manual", signal: either });
    const page = parsed(await answer.text());
    return { state: stateOf(answer), page, wait: Number(answer.headers.get("Retry-After")) || 0 };
  } catch {
    return { state: "away", page: parsed(""), wait: 0 };
  }
}

function stateOf({ type, status, ok }) {
  if (type === "opaqueredirect") return "out";
  if (status >= 500 || LATER.has(status)) return "busy";
  return ok ? "page" : "over";
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Whether who is "out" is signed in, and has to change their password: no script sees where a redirect leads. */
export async function mustRenew() {
  const answer = await fetch("/api/auth/session", { signal: AbortSignal.timeout(LIMIT) }).catch(() => null);
  return Boolean(answer?.ok && (await answer.json()).user?.mustChangePassword);
}
