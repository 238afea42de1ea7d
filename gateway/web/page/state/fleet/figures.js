// The gateway's health and traffic in plain words: what `status` and `stats` answered, as rows of a name and a value. Pure.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Whether the gateway can write, as a sentence, and whether that is bad. */
export function healthOf(status) {
  if (status.status === "ok") return { well: true, sentence: `Everything is stored as it comes. Running for ${durationOf(status.uptime)}.` };
  const waiting = status.uncommitted ? ` ${status.uncommitted} requests wait for the disk.` : "";
  return { well: false, sentence: `The gateway cannot write to its disk.${waiting}${status.last_error ? ` ${status.last_error}` : ""}` };
}

/** Rows of {name, value}. A figure that nothing is known of is left out. */
export function figureRows(status, stats) {
  const { total, connected } = stats ?? {};
  const rows = [
    ["Connections", status?.connections],
    ["People, agents, tools", connected && `${connected.human}, ${connected.agent}, ${connected.tool}`],
    ["Messages a minute", total && perMinute(total.sent_per_second)],
    ["Messages since the start", total?.sent?.toLocaleString("en")],
    ["Waiting for agents", (total?.waiting ?? status?.queued)?.toLocaleString("en")],
    ["Until taken, half within", secondsOf(total?.latency?.p50)],
    ["Until taken, 95 of 100 within", secondsOf(total?.latency?.p95)],
    ["Failed or expired", total && (total.failed + total.expired).toLocaleString("en")],
    ["Requests refused, last 5 minutes", total && percentOf(total.error_rate)],
    ["Tokens of agents", costOf(status?.costs)],
    ["Store", status?.store],
    ["Version", status?.version],
  ];
  return rows.filter(([, value]) => value !== undefined && value !== null && value !== "").map(([name, value]) => ({ name, value: String(value) }));
}

/** The largest unit that says enough: "3 min", "2 h 5 min", "4 days". */
export function durationOf(seconds) {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${Math.floor((seconds % HOUR) / MINUTE)} min`;
  const days = Math.floor(seconds / DAY);
  return `${days} day${days > 1 ? "s" : ""}`;
}

function perMinute(perSecond) {
  const value = perSecond * MINUTE;
  return value === 0 || value >= 10 ? String(Math.round(value)) : value.toFixed(1);
}

const secondsOf = (value) => (value === null || value === undefined ? "" : `${value < 10 ? value.toFixed(2) : Math.round(value)} s`);
const percentOf = (part) => `${(part * 100).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`;

function costOf(costs) {
  const tokens = (costs ?? []).reduce((sum, one) => sum + (one.tokens ?? 0), 0);
  return tokens ? tokens.toLocaleString("en") : "";
}
