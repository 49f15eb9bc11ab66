// Reads an AsyncAPI document from standard input; writes what the parser finds, and what it understood.
import { Parser } from "@asyncapi/parser";
import { text } from "node:stream/consumers";

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
const channels = document?.allChannels().all() ?? [];
console.log(
  JSON.stringify({
    diagnostics: diagnostics.map(({ code, message, path, severity }) => ({ code, message, path, severity })),
    channels: Object.fromEntries(channels.map((each) => [each.address(), each.messages().all().length])),
    operations: document?.operations().all().map((each) => each.id()) ?? [],
  }),
);
