// How far a message has come with each recipient, as one quiet mark. Pure.

const ORDER = ["queued", "held", "typed", "unverified", "verified", "submitted", "accepted", "seen", "answered"];
const FAILED = new Set(["failed", "expired", "cancelled"]);
export const MAX_TRACKED_MESSAGES = 1000;

const WORDS = {
  queued: "waits",
  held: "waits",
  typed: "is being typed",
  unverified: "was typed, unconfirmed",
  verified: "was typed",
  submitted: "was submitted",
  accepted: "was taken",
  seen: "was read",
  answered: "was answered",
  failed: "failed",
  expired: "expired",
  cancelled: "was cancelled",
};

const PROOFS = { hook: "as its hook says", transcript: "as its transcript says" };

/** `rungs`: message -> member -> {rung, reason}. With one more step of one delivery. */
export function withStep(rungs, message, member, step) {
  const next = { ...rungs, [message]: { ...rungs[message], [member]: { rung: step.rung, reason: step.reason ?? "" } } };
  const known = Object.keys(next);
  if (known.length > MAX_TRACKED_MESSAGES) delete next[known[0]];
  return next;
}

/** How far a message came with one recipient, in words. */
export const stepWords = ({ rung, reason }) => `${WORDS[rung] ?? rung}${reason ? ` (${PROOFS[reason] ?? reason})` : ""}`;

/** The mark of a message: a sign, and a sentence for those who ask. Null if nothing is known. */
export function markOf(deliveries) {
  const entries = Object.entries(deliveries ?? {});
  if (entries.length === 0) return null;
  const sentence = entries.map(([member, step]) => `${member}: ${stepWords(step)}`).join("; ");
  const failed = entries.some(([, { rung }]) => FAILED.has(rung));
  return { sign: failed ? "!" : signOf(entries.map(([, { rung }]) => rung)), failed, sentence };
}

/** The least of all recipients decides. */
function signOf(rungs) {
  const least = Math.min(...rungs.map((rung) => ORDER.indexOf(rung)));
  if (least >= ORDER.indexOf("seen")) return "✓✓";
  return least >= ORDER.indexOf("verified") ? "✓" : "○";
}
