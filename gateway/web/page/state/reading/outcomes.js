// What to say after the gateway has taken what was composed. Pure.

const NOBODY = { stop: "No agent is working.", continue: "No loop guard holds anybody here." };

/** A sentence, or an empty text if the stream shows it by itself. */
export function outcomeOf({ op, fields }, done) {
  switch (op) {
    case "send":
      return done.asleep?.length ? `Logged, but it wakes nobody: a loop guard holds it for ${done.asleep.join(", ")}.` : "";
    case "stop":
      return done.members?.length ? `Stopping ${done.members.join(", ")}.` : NOBODY.stop;
    case "pause":
      return `Messages for ${fields.member ?? "all agents"} are held until /resume.`;
    case "resume":
      return `Messages for ${fields.member ?? "all agents"} are delivered again.`;
    case "continue":
      return done.rooms?.length ? "The agents may go on." : NOBODY.continue;
    case "room.mute":
      return fields.on ? "This room is muted for you." : "This room counts again.";
    default:
      return "";
  }
}
