import type { Answer } from './client.ts';

/** The body of an answer that must be there; anything else is an error that names what was tried. */
export function bodyOf<T>(answer: Answer<T>, what: string): T {
  if (answer.ok) return answer.body;
  throw new Error(`${what}: ${answer.status} ${answer.message}`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
