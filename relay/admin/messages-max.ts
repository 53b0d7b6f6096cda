/** The most messages that one request changes or shows; whoever wants more asks again. */
export const MESSAGES_MAX = 10_000;
