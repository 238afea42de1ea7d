// Whether the person is at the end of a list that grows. Pure.

const NEAR_END_PX = 40;

/**
 * Whether the person has not left the end. `endedAt`: where the list stood when the page last brought it to its end, or
 * null if the person was not there. A row that grows, or a question that takes room away, moves the end and not the
 * person: only who scrolls up leaves it.
 */
export const hasStayed = ({ scrollTop }, endedAt) => endedAt !== null && scrollTop >= endedAt - 1;

export const isNearEnd = ({ scrollTop, scrollHeight, clientHeight }) => scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
