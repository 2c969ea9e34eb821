#!/bin/sh
# Quote one small batch, submit it, wait for its end and print the result rows.
# Needs curl and python3.
#
#   BASE_URL=http://localhost:8000 OB_API_KEY=ob_live_... sh examples/quickstart.sh
#
# Optional: IDEMPOTENCY_KEY (a repeated run with the same key and manifest returns
# the first batch instead of paying for a second one), POLL_SECONDS (default 10),
# MANIFEST (JSON to send instead of the one below).
set -eu

BASE_URL="${BASE_URL:-https://batchrouter.com}"
BASE_URL="${BASE_URL%/}"
: "${OB_API_KEY:?set OB_API_KEY to an API key from the console}"
IDEMPOTENCY_KEY="${IDEMPOTENCY_KEY:-quickstart-$(date -u +%Y%m%dT%H%M%SZ)-$$}"
POLL_SECONDS="${POLL_SECONDS:-10}"

if [ -z "${MANIFEST:-}" ]; then
  MANIFEST=$(cat <<'JSON'
{
  "sla_tier": "standard",
  "routing_mode": "sla_aware",
  "privacy_tier": "standard",
  "allowed_regions": ["global"],
  "items": [
    {
      "customer_item_id": "support_rollup_001",
      "operation": "responses",
      "model": "gpt-5.4-mini",
      "model_options": ["gpt-5.4-mini", "gpt-5.4"],
      "input": {
        "input": [
          {
            "role": "user",
            "content": "Summarize yesterday's support queue into five bullets."
          }
        ]
      }
    }
  ]
}
JSON
)
fi

# call METHOD PATH [curl options]: print the body, or the error and stop.
call() {
  method=$1
  path=$2
  shift 2
  reply=$(curl -sS -X "$method" -w '\n%{http_code}' \
    -H "Authorization: Bearer $OB_API_KEY" "$@" "$BASE_URL$path") || return 1
  status=${reply##*
}
  body=${reply%
*}
  case $status in
    2??) printf '%s\n' "$body" ;;
    *)
      printf '%s %s answered %s:\n%s\n' "$method" "$path" "$status" "$body" >&2
      return 1
      ;;
  esac
}

# field NAME...: read JSON from stdin and print the value under those keys.
field() {
  python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name]
print(value)
' "$@"
}

quote=$(call POST /v1/batches/quote \
  -H "Content-Type: application/json" --data-binary "$MANIFEST")
total=$(printf '%s' "$quote" | field pricing_estimate total)
can_fund=$(printf '%s' "$quote" | field funding_preview can_fund)
echo "quoted: at most $total USD; enough credits: $can_fund"

created=$(call POST /v1/batches \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: $IDEMPOTENCY_KEY" --data-binary "$MANIFEST")
batch_id=$(printf '%s' "$created" | field id)
state=$(printf '%s' "$created" | field state)
echo "created: $batch_id"

while :; do
  echo "state: $state"
  case $state in
    completed | failed | canceled) break ;;
  esac
  sleep "$POLL_SECONDS"
  batch=$(call GET "/v1/batches/$batch_id")
  state=$(printf '%s' "$batch" | field state)
done

if [ "$state" != completed ]; then
  echo "the batch ended as $state" >&2
  exit 1
fi
call GET "/v1/batches/$batch_id/results" | python3 -m json.tool --no-ensure-ascii
