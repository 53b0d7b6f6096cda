/**
 * A user whose mail bounces too much is paused by the relay that sees it, then by all of them, until a person has
 * looked into it.
 */
import type { PauseAbove, PausedStatus } from '../../api/sending.ts';
import type { PauseTerms } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import type { Refusal } from '../lists/policy.ts';
import type { ObjectMeta } from '../model.ts';
import { RESUME_ANNOTATION } from '../names.ts';

export interface Pause {
  readonly status: PausedStatus;
  /** The condition `Paused`. */
  readonly warning: Judgement;
}

const RESUME_LENGTH = 64;

/** A user may be stricter than its list. */
export function pauseTermsOf(
  { annotations }: ObjectMeta,
  ofList: PauseAbove | undefined,
  wish: PauseAbove | undefined,
): { readonly terms: PauseTerms | undefined; readonly refused: readonly Refusal[] } {
  const isStricter =
    wish !== undefined && (ofList === undefined || (wish.bounceRate <= ofList.bounceRate && wish.of <= ofList.of));
  const chosen = isStricter ? wish : ofList;
  const resume = annotations[RESUME_ANNOTATION]?.slice(0, RESUME_LENGTH) ?? '';
  const terms = chosen && { ...chosen, resume };
  if (wish === undefined || isStricter || ofList === undefined) return { terms, refused: [] };
  const words = `stays ${inWords(ofList)}, not ${inWords(wish)}`;
  return { terms, refused: [{ field: ['spec', 'pauseAbove'], words }] };
}

function inWords({ bounceRate, of }: PauseAbove): string {
  return `${bounceRate} % of ${of}`;
}

/**
 * One that was told under another value of the annotation is over. The status remembers it: relays may lose theirs. Whoever
 * may write the status could end it so, but may not write the mail of the user.
 */
export function judgePause(
  terms: PauseTerms | undefined,
  told: readonly (PausedStatus | undefined)[],
): Pause | undefined {
  const status = terms && told.find((one) => one?.resume === terms.resume);
  if (status === undefined) return undefined;
  const { since, bounced, of } = status;
  const message = `Paused since ${since}: of ${of} recipients ${bounced} bounced, which is more than spec.pauseAbove allows. Find out what it sends and to whom; then annotate this object with ${RESUME_ANNOTATION} and a new value.`;
  return { status, warning: { type: 'Paused', status: 'True', reason: 'Paused', message } };
}
