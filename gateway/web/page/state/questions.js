// The questions of agents: those that wait, oldest first, and the last ones that have ended. Pure.

const WAITING = new Set(["open", "answering"]);
export const MAX_ENDED = 3;

export const stateOf = (ask) => ask.state ?? "open";
export const isWaiting = (ask) => WAITING.has(stateOf(ask));

/** With the newest state of one ask, which is all of it: a field that it lacks has its default. It stands where it stood; the ended ones that are too many go, oldest first. */
export function withAsk(asks, ask) {
  const known = asks.some((one) => one.number === ask.number);
  if (!known && !isWaiting(ask)) return asks; // it ended before this page heard of it
  const next = known ? asks.map((one) => (one.number === ask.number ? ask : one)) : [...asks, ask];
  return trimmed(next.sort((a, b) => a.number - b.number));
}

/**
 * The asks of a welcome. What waited before and is not listed any more has ended while the page was away. What is newer
 * than `lastSeq` cannot be listed.
 */
export function withWelcomed(asks, listed, lastSeq = Infinity) {
  const numbers = new Set(listed.map((ask) => ask.number));
  const before = asks.filter((ask) => !numbers.has(ask.number)).map((ask) => (isWaiting(ask) && ask.number <= lastSeq ? { ...ask, state: "closed" } : ask));
  return trimmed([...before, ...listed].sort((a, b) => a.number - b.number));
}

export const withoutAsk = (asks, number) => asks.filter((ask) => ask.number !== number);

/** The asks of a room's members. */
export const asksOfRoom = (asks, room) => asks.filter((ask) => room?.members?.includes(ask.member) ?? true);

const DIFF_KINDS = [["@@", "hunk"], ["+++", "file"], ["---", "file"], ["+", "added"], ["-", "removed"]];

/** A unified diff as lines of {kind, text}: "added", "removed", "hunk", "file" or "same". */
export function diffLines(text) {
  return text.split("\n").map((line) => ({ kind: DIFF_KINDS.find(([sign]) => line.startsWith(sign))?.[1] ?? "same", text: line }));
}

function trimmed(asks) {
  const ended = asks.filter((ask) => !isWaiting(ask));
  const gone = new Set(ended.slice(0, Math.max(0, ended.length - MAX_ENDED)).map((ask) => ask.number));
  return asks.filter((ask) => !gone.has(ask.number));
}

/** What becomes of an ask, in one sentence; empty while it is open and nobody has tried. */
export function endingOf(ask, me) {
  const who = ask.by === me ? "You" : ask.by;
  const answer = answerText(ask);
  const words = ask.said ? ` The words with it: ${ask.said}` : "";
  switch (stateOf(ask)) {
    case "answering":
      return `${who} answered ${answer}. It is on its way to the terminal.${words}`;
    case "answered":
      return `${who} answered ${answer} in the room.${words}`;
    case "closed":
      return `It was answered in the terminal of ${ask.member}, or it disappeared there.`;
    case "stale":
      return "The dialog changed before an answer reached it. Nothing was answered.";
    case "withdrawn":
      return `${ask.member} has left or is away. Nothing was answered.`;
    default:
      return ask.reason ? `It waits again: ${ask.reason}` : "";
  }
}

function answerText(ask) {
  const option = (ask.options ?? []).find((one) => choiceOf(ask, one).answer === ask.answer || one.key === ask.answer);
  return option ? `“${option.text}”` : ask.answer;
}

/** The answers that a card offers: the text of the button, what is sent, and whether it is the refusal. */
export function choicesOf(ask) {
  const options = (ask.options ?? []).map((option) => choiceOf(ask, option));
  const offered = new Set(options.map((choice) => choice.answer));
  const more = [];
  if (ask.allow && !offered.has("allow")) more.push({ text: "Allow", answer: "allow", refusal: false });
  if (ask.deny && !offered.has("deny")) more.push({ text: "Deny", answer: "deny", refusal: true });
  return [...options, ...more];
}

/** A plain yes or no is given as such: the agent's own hook may decide it, and take the words that go with a no. */
function choiceOf(ask, option) {
  const plain = option.means ?? (option.key === ask.deny ? "deny" : option.key === ask.allow ? "allow" : "");
  const answer = plain && ask[plain] ? plain : option.key;
  return { text: option.text, answer, refusal: plain === "deny" };
}

/** Why this browser cannot answer, or an empty text if it can. */
export function whyNotAnswer(ask, { me, scope }) {
  if (scope !== "approver") return "This browser may not answer questions. Pair it with `groupchat web --pair --scope approver`.";
  if (ask.sealed) return "This question is sealed. Answer it with `groupchat chat` on a machine that has your key.";
  if (ask.approvers?.length && !ask.approvers.includes(me)) return `Only ${ask.approvers.join(", ")} may answer this.`;
  return choicesOf(ask).length === 0 ? `It can only be answered in the terminal of ${ask.member}.` : "";
}
