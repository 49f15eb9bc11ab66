// Makes elements of this page like those of a newer one, and keeps what the person is doing: focus, what they
// typed, open <details>, scroll positions.
//
// Children are told apart by id or data-key, else by their place. Left alone are elements with data-keep and
// those that modules added (data-added); attributes that begin with data-sf- are the modules' own.

/** Make `from`, an element of this document, like `to`, of a parsed one; then tell it by "sf:morphed". */
export function morph(from, to) {
  const active = document.activeElement;
  const path = [];
  for (let each = active; each && each !== document.body; each = each.parentElement) path.push(each);
  patch(from, to);
  if (active !== document.activeElement) focusAgain(path);
  from.dispatchEvent(new CustomEvent("sf:morphed", { bubbles: true }));
}

// What had the focus; if it is gone, as a button may be by its own effect, the first control that is left near it.
function focusAgain(path) {
  for (const each of path) {
    for (const next of each.isConnected ? [each, ...each.querySelectorAll("a, button, input, select, textarea, summary")] : []) {
      next.focus({ preventScroll: true });
      if (document.activeElement === next) return;
    }
  }
}

function patch(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  if (from.hasAttribute("data-keep")) return;
  patchAttributes(from, to);
  patchChildren(from, to);
}

function patchAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !isOwn(from, name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !isOwn(from, name)) from.setAttribute(name, value);
  }
}

// What the person or a module has set, and the server knows nothing of.
function isOwn(element, name) {
  if (name.startsWith("data-sf-")) return true;
  return name === "open" && (element.localName === "details" || element.localName === "dialog");
}

function patchChildren(from, to) {
  const wanted = [...to.childNodes];
  const wantedKeys = new Set(wanted.map(keyOf).filter(Boolean));
  const byKey = new Map();
  for (const child of from.childNodes) {
    const key = keyOf(child);
    if (key) byKey.set(key, child);
  }
  let next = skipAdded(from.firstChild);
  for (const each of wanted) {
    // What is not wanted any more goes first, so that what stays need not move: moving takes the focus.
    while (next && keyOf(next) && !wantedKeys.has(keyOf(next))) next = drop(next);
    const key = keyOf(each);
    const match = key ? byKey.get(key) : next && !keyOf(next) && isLike(next, each) ? next : null;
    if (!match || !isLike(match, each)) {
      from.insertBefore(document.importNode(each, true), next);
      continue;
    }
    if (match === next) next = skipAdded(next.nextSibling);
    else from.insertBefore(match, next);
    patch(match, each);
  }
  while (next) next = drop(next);
}

function drop(node) {
  const after = skipAdded(node.nextSibling);
  node.remove();
  return after;
}

function skipAdded(node) {
  let each = node;
  while (each && each.nodeType === Node.ELEMENT_NODE && each.hasAttribute("data-added")) each = each.nextSibling;
  return each;
}

function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  return node.id || node.dataset?.key || null;
}

function isLike(from, to) {
  return (
    from.nodeName === to.nodeName &&
    (from.nodeType !== Node.ELEMENT_NODE ||
      (from.getAttribute("type") === to.getAttribute("type") &&
        from.getAttribute("name") === to.getAttribute("name")))
  );
}
