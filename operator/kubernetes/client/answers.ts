/** What the server answered: an object, or why there is none (its Status object). Errors are for when it did not answer. */
export type ApiAnswer<T> =
  | { readonly ok: true; readonly status: number; readonly body: T }
  | { readonly ok: false; readonly status: number; readonly reason: string; readonly message: string };

/** The server answered, and the answer is no. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(what: string, { status, message }: { readonly status: number; readonly message: string }) {
    super(`${what}: ${status} ${message}`);
    this.status = status;
  }
}

/** The body of an answer that must be there; anything else is an error that names what was tried. */
export function bodyOf<T>(answer: ApiAnswer<T>, what: string): T {
  if (answer.ok) return answer.body;
  throw new RefusedError(what, answer);
}
