// Quote a one-item batch, submit it, wait for its end and print the result rows.
// Node 18 or later, no packages.
//
//   BASE_URL=http://localhost:8000 OB_API_KEY=ob_live_... node examples/quickstart.mjs

import { setTimeout as sleep } from "node:timers/promises";

const baseUrl = (process.env.BASE_URL ?? "https://batchrouter.com").replace(/\/$/, "");
const apiKey = process.env.OB_API_KEY ?? process.env.BATCHROUTER_API_KEY;
const pollSeconds = Number(process.env.POLL_SECONDS ?? 30);
const terminalStates = new Set(["completed", "failed", "canceled"]);

if (!apiKey) {
  console.error("Set OB_API_KEY to an API key from the console.");
  process.exit(2);
}

const manifest = {
  sla_tier: "standard",
  routing_mode: "sla_aware",
  privacy_tier: "standard",
  allowed_regions: ["global"],
  items: [
    {
      customer_item_id: "ticket_digest_001",
      operation: "responses",
      model: "gpt-5.4-mini",
      model_options: ["gpt-5.4-mini", "gpt-5.4"],
      input: {
        input: [
          {
            role: "user",
            content: "Turn today's open support tickets into a list of priorities.",
          },
        ],
        max_output_tokens: 300,
      },
    },
  ],
};

// Each reply is JSON, also a refusal: {"error": {code, message, request_id, ...}}.
async function call(method, path, { body, headers } = {}) {
  const response = await fetch(baseUrl + path, {
    method,
    headers: {
      Authorization: `Bearer ${apiKey}`,
      ...(body && { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const reply = await response.json();
  if (!response.ok) {
    const { code, message, request_id } = reply.error;
    throw new Error(
      `${method} ${path}: ${response.status} ${code}: ${message} (${request_id})`,
    );
  }
  return reply;
}

const quote = await call("POST", "/v1/batches/quote", { body: manifest });
console.log(`quoted: at most ${quote.pricing_estimate.total} USD`);

// One key per day: running this twice on one day does not pay twice.
const today = new Date().toISOString().slice(0, 10);
let batch = await call("POST", "/v1/batches", {
  body: manifest,
  headers: { "Idempotency-Key": `ticket-digest-${today}` },
});
console.log(`created: ${batch.id}`);

while (!terminalStates.has(batch.state)) {
  await sleep(pollSeconds * 1000);
  batch = await call("GET", `/v1/batches/${batch.id}`);
  console.log(`state: ${batch.state}`);
}

if (batch.state !== "completed") {
  throw new Error(`The batch ended as ${batch.state}: ${batch.terminal_reason}`);
}
const results = await call("GET", `/v1/batches/${batch.id}/results`);
console.log(JSON.stringify(results, null, 2));
