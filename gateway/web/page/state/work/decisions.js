// Votes, proposals and questions to people: those that are open, and what ended lately. Pure.

const MAX_KEPT = 200;

/** `known`: id -> decision. With newer states of some; an older one never replaces a newer one. */
export function withDecisions(known, decisions) {
  const next = { ...known };
  for (const one of decisions) if (!next[one.id] || next[one.id].seq <= one.seq) next[one.id] = one;
  const all = Object.values(next).sort((a, b) => b.number - a.number);
  return all.length > MAX_KEPT ? Object.fromEntries(all.slice(0, MAX_KEPT).map((one) => [one.id, one])) : next;
}

/** Open ones are those of the welcome: what was open and is not listed any more has ended while the page was away. */
export function withOpenDecisions(known, open) {
  const ids = new Set(open.map((one) => one.id));
  const left = Object.fromEntries(Object.entries(known).filter(([id, one]) => !isOpen(one) || ids.has(id)));
  return withDecisions(left, open);
}

export const isOpen = (decision) => (decision.state ?? "pending") === "pending" || decision.state === "accepted";

/** The open ones, those that wait for `me` first, and the ended ones, newest first. */
export function sorted(known, me, kind) {
  const all = Object.values(known);
  const waits = (one) => (waitsFor(one, me, kind) ? 0 : 1);
  return {
    open: all.filter(isOpen).sort((a, b) => waits(a) - waits(b) || a.number - b.number),
    ended: all.filter((one) => !isOpen(one)).sort((a, b) => b.seq - a.seq),
  };
}

/** The last answer of each member, in the order in which they came: the one that counts. */
export function lastAnswers(decision) {
  const last = new Map();
  for (const answer of decision.answers ?? []) {
    last.delete(answer.by);
    last.set(answer.by, answer);
  }
  return [...last.values()];
}

export const mayAnswer = (decision, me, kind) => isOpen(decision) && ((decision.voters ?? []).includes(me) || (Boolean(decision.people) && kind === "human"));

export function waitsFor(decision, me, kind) {
  return decision.state !== "accepted" && mayAnswer(decision, me, kind) && !lastAnswers(decision).some((answer) => answer.by === me);
}

/** How a decision is answered: "choose" one of its options, "accept" or reject it, write "text", or "complete" an accepted one. */
export function wayOf(decision, me, kind) {
  if (decision.state === "accepted") return decision.by === me || (decision.voters ?? []).includes(me) ? "complete" : "";
  if (!mayAnswer(decision, me, kind)) return "";
  if (decision.options?.length) return "choose";
  if (decision.private || decision.rule === "recipient") return "accept";
  return decision.rule === "first" ? "text" : "choose";
}

/** The options to choose from. A vote without options is about yes or no. */
export function optionsOf(decision) {
  return decision.options?.length ? decision.options : [{ key: "yes", text: "Yes" }, { key: "no", text: "No" }];
}

const RULES = { recipient: "the recipient decides", first: "the first answer decides", majority: "the majority decides", unanimous: "everyone must agree" };

export const ruleWords = (rule) => RULES[rule] ?? (rule.startsWith("quorum") ? `${rule.slice("quorum ".length)} must agree` : rule);

/** Who has not answered yet. */
export function missingVoters(decision) {
  const given = new Set(lastAnswers(decision).map((answer) => answer.by));
  return (decision.voters ?? []).filter((name) => !given.has(name));
}
