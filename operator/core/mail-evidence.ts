/**
 * What is known about proofs by mail, and what is to be done for them. A proof by mail belongs to a namespace and an
 * address.
 */

/** By `NAMESPACE/ADDRESS`. Neither a link nor a code is in it, only hashes of them. */
export interface MailEvidence {
  /** The latest one, whatever has become of it. */
  readonly challenge?: MailChallenge | undefined;
  readonly proof?: MailProof | undefined;
  /** Times of the mails of the last day, those included of which nobody knows whether they left. ISO 8601, as all here. */
  readonly mails: readonly string[];
  /** Values of the annotation that asks for another mail, for which one was sent or tried; the newest last. */
  readonly heeded: readonly string[];
  /** Why a mail that is due has not left. */
  readonly trouble?: MailTrouble | undefined;
  /** Since when no VerifiedSender of the namespace has had the address. */
  readonly goneSince?: string | undefined;
  /** When it was noticed that what was known before is lost; absent once it is proven again. */
  readonly lostTime?: string | undefined;
}

export interface MailChallenge {
  readonly linkHash: string;
  readonly codeHash: string;
  /** Absent: nobody knows whether the mail has left. */
  readonly sentTime?: string | undefined;
  readonly expiryTime: string;
  /** Hashes of codes that were tried and are not the one. */
  readonly wrongCodes: readonly string[];
}

export interface MailProof {
  readonly time: string;
  readonly by: 'Link' | 'Code';
  /** Hash of the link of the challenge that was met: whoever opens it once more is told that it has worked. */
  readonly linkHash: string;
}

export type MailLimit = 'Address' | 'Namespace' | 'Total';

export interface MailTrouble {
  /** Absent: the relay could not be given it. */
  readonly limit?: MailLimit | undefined;
  /** For people. */
  readonly message: string;
  readonly retryTime: string;
  /** In a row. */
  readonly attempts: number;
}

/** How addresses are verified by mail. */
export interface MailVerification {
  /** Whose relays send the mails. */
  readonly className: string;
  readonly from: string;
  /** Whether the mails have a link. */
  readonly hasPage: boolean;
}

/** The part of a snapshot that is about mails. */
export interface MailFacts {
  /** By `NAMESPACE/ADDRESS`. */
  readonly mail: ReadonlyMap<string, MailEvidence>;
  /** Absent: addresses are not verified by mail here. */
  readonly mailVerification?: MailVerification;
}

/** The part of an issuer that is about mails. */
export interface MailIssuer {
  /** Verifier of the password by which the operator itself sends through the relays of a class. */
  readonly operatorVerifier: (className: string) => string;
  /** Hash of a code from a mail to an address (`NAMESPACE/ADDRESS`), in the challenge that the hash of its link names. */
  readonly codeHash: (key: string, linkHash: string, code: string) => string;
}

/** What a VerifiedSender asks for: a code to be tried, a mail to be sent at `due` or later, or nothing. */
export interface MailWish {
  /** `NAMESPACE/NAME` of the VerifiedSender. */
  readonly sender: string;
  /** `NAMESPACE/ADDRESS`. */
  readonly key: string;
  /** Absent: no mail is to be sent. */
  readonly due?: string;
  /** Hash of the link of the challenge that is to be replaced: where there is another one by then, a mail has been sent. */
  readonly instead?: string;
  /** The annotation that asks for another mail, where it has not been heeded. */
  readonly resend?: string;
  /** The code of the spec, where it has not been tried. */
  readonly code?: string;
  /** What was known is lost. */
  readonly isLost?: true;
}

/** Codes that may be tried before the challenge is void. */
export const WRONG_CODES_MAX = 5;
/** What is known of an address outlives its last VerifiedSender by this: GitOps tools delete objects and make them anew. */
export const KEPT_SECONDS = 3600;

/** As the mail has it, in whatever case and with or without hyphens. */
export function plainCode(text: string): string {
  return text.replaceAll('-', '').toUpperCase();
}
