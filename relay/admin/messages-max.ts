/** Messages that one request changes or shows; whoever means more asks again. */
export const MESSAGES_MAX = 10_000;
