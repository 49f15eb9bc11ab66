// Runs first in every fresh context and gives Python one function to steer the program by. What a program does to
// the built-in objects can only change its own outcome: the functions used here are taken before it starts, and
// Python believes nothing but texts of JSON. Texts of JSON both ways also because the strings between the two
// languages are C strings, which lose NUL and break on lone surrogates.
(function () {
  "use strict";
  const { parse, stringify } = JSON;
  const { defineProperty, keys } = Object;
  const AsyncFunction = (async () => {}).constructor;
  const ErrorClass = Error;
  const TypeErrorClass = TypeError;
  const wellFormed = Function.prototype.call.bind(String.prototype.toWellFormed);
  const slice = Function.prototype.call.bind(String.prototype.slice);
  const MESSAGE_LIMIT = 10_000;

  let state = "pending";
  let truthy = false;
  let value = "null";
  let thrown;
  let stdout = "";
  let limit = 0;

  const display = (item) => {
    if (typeof item !== "object" || item instanceof ErrorClass) return String(item);
    try {
      return stringify(item);
    } catch {
      return String(item); // a cycle: printing is no reason to fail
    }
  };
  const printer = (prefix) => (...items) => {
    let line = prefix;
    for (let i = 0; i < items.length; i++) line += (i > 0 ? " " : "") + display(items[i]);
    if (stdout.length <= limit) stdout += line + "\n";
  };
  const print = printer("");
  globalThis.console = { log: print, info: print, debug: print, warn: printer("WARN: "), error: printer("ERROR: ") };

  const describe = (problem) => {
    if (problem === null) return "null was thrown, which is also what is left when memory runs out";
    if (typeof problem !== "object") return String(problem);
    if (typeof problem.message === "string" && problem.message !== "") return problem.message;
    if (problem instanceof ErrorClass) return String(problem.name);
    return stringify(problem) ?? String(problem);
  };

  const toJson = (result) => {
    let text;
    try {
      text = stringify(result);
    } catch (problem) {
      if (problem instanceof TypeErrorClass) problem.message = `The result is not JSON: ${problem.message}`;
      throw problem;
    }
    if (text === undefined) throw new TypeErrorClass(`The result is not JSON: it is a ${typeof result}`);
    return text;
  };

  const settle = (result, wantsValue) => {
    truthy = !!result;
    if (wantsValue && result !== undefined) value = toJson(result);
    state = "done";
  };

  // Without a prototype, for a program may give Object.prototype a toJSON.
  const explain = (problem) => {
    let message = "";
    let stack = "";
    try {
      message = wellFormed(slice(describe(problem), 0, MESSAGE_LIMIT));
      if (typeof problem?.stack === "string") stack = wellFormed(slice(problem.stack, 0, MESSAGE_LIMIT));
    } catch {
      message = "The program threw something that has no text";
    }
    return { __proto__: null, message, stack };
  };

  const compile = (text, kind) => new AsyncFunction(kind === "function" ? text : `return (${text}\n)`);

  const steer = {
    start(source, bindings, kind, outputLimit) {
      limit = outputLimit;
      const values = parse(bindings);
      const names = keys(values);
      for (let i = 0; i < names.length; i++) {
        const binding = { value: values[names[i]], writable: true, enumerable: true, configurable: true };
        defineProperty(globalThis, names[i], binding);
      }
      const text = parse(source);
      (async () => {
        try {
          settle(await compile(text, kind)(), kind !== "condition");
        } catch (problem) {
          thrown = problem; // and nothing else: the heap may be full
          state = "thrown";
        }
      })();
    },
    report() {
      const { message, stack } = state === "thrown" ? explain(thrown) : { message: "", stack: "" };
      return stringify({ __proto__: null, state, truthy, message, stack, size: value.length });
    },
    check(source, kind) {
      try {
        compile(parse(source), kind);
        return "null";
      } catch (problem) {
        return stringify(explain(problem));
      }
    },
    value: () => value,
    // One more than the limit, so that Python sees that there was more and cuts to the byte.
    stdout: () => stringify(wellFormed(slice(stdout, 0, limit + 1))),
  };
  return (action, a, b, c, d) => steer[action](a, b, c, d);
})();
