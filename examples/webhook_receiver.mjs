// Receive BatchRouter's webhooks: verify the signature, ignore what came before.
// Node 18 or later, no packages. WEBHOOK_SECRET is the text that was shown once, or
// your own; while you rotate, put both in with a space between them.
//
//   WEBHOOK_SECRET=whsec_... PORT=9000 node examples/webhook_receiver.mjs

import { createHmac, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

const toleranceSeconds = 300;
const bodyBytesMax = 64 * 1024;

const secrets = (process.env.WEBHOOK_SECRET ?? "").split(" ").filter(Boolean);
if (secrets.length === 0) {
  console.error("Set WEBHOOK_SECRET to the secret of your webhook.");
  process.exit(2);
}

// The bytes that sign: decoded after whsec_, else the text's own.
const keyOf = (secret) =>
  secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret);

const isSame = (one, other) => one.length === other.length && timingSafeEqual(one, other);

// Tell whether one of the secrets signed this body, and not long ago.
function isAuthentic(headers, body) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"];
  if (!id || !signatures || !/^[0-9]{1,12}$/.test(timestamp ?? "")) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  return secrets.some((secret) => {
    const mac = createHmac("sha256", keyOf(secret));
    const expected = mac.update(`${id}.${timestamp}.`).update(body).digest("base64");
    return signatures
      .split(" ")
      .some((each) => isSame(Buffer.from(each), Buffer.from(`v1,${expected}`)));
  });
}

// Which events were handled, across restarts too: one id a line.
const inbox = process.env.INBOX ?? "webhooks.seen";
const seen = new Set(existsSync(inbox) ? readFileSync(inbox, "utf8").split("\n") : []);

// Do what your product does. Events may come out of order: see data.sequence.
function handle(event) {
  console.log("event", event.id, event.type, JSON.stringify(event.data));
}

async function bodyOf(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > bodyBytesMax) return null;
    parts.push(part);
  }
  // The very bytes that came: parsed and written anew they would differ.
  return Buffer.concat(parts);
}

const server = createServer(async (request, response) => {
  const body = await bodyOf(request);
  if (body === null) {
    response.writeHead(413, { Connection: "close" }).end();
  } else if (!isAuthentic(request.headers, body)) {
    response.writeHead(401).end();
  } else {
    const event = JSON.parse(body);
    if (seen.has(event.id)) {
      console.log("duplicate", event.id);
    } else {
      handle(event);
      appendFileSync(inbox, `${event.id}\n`);
      seen.add(event.id);
    }
    response.writeHead(204).end();
  }
});

server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
  console.log(`listening http://127.0.0.1:${server.address().port}/`);
});
