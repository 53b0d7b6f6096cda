/** What parser.ts asks its process about a mail, and what comes back. */
import type { CapturedFile } from '../../captured-content.ts';
import type { ReadableMail } from './read-mail.ts';

/** Of a mail that is opened, so much is taken apart. */
export const SHOWN_MAX = 8 * 1024 * 1024;

export interface Gist {
  readonly subject: string;
  readonly from: string;
  /** In lower case, to be searched. */
  readonly text: string;
}

/** A mail as its page shows it: its HTML and attachments are asked for one by one. */
export interface ShownMail extends Omit<ReadableMail, 'html' | 'attachments'> {
  readonly hasHtml: boolean;
  readonly links: readonly string[];
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly octets: number }[];
}

/** What may be asked about a mail, by name. Each comes to undefined if the mail is gone, or has no such part. */
export interface ParserAnswers {
  readonly gist: Gist | undefined;
  readonly page: ShownMail | undefined;
  readonly frame: string | undefined;
  readonly attachment: { readonly name: string; readonly content: Uint8Array } | undefined;
}

export interface ParserQuestion {
  readonly about: keyof ParserAnswers;
  readonly mail: CapturedFile;
  /** Of the attachment. */
  readonly index: number;
}

export type ParserAnswer = ParserAnswers[keyof ParserAnswers];
