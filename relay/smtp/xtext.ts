/**
 * xtext (RFC 3461 section 4): how DSN parameters carry any ASCII character; and utf-8-addr-xtext (RFC 6533 section 3),
 * which carries all others in an address of type `utf-8`, through servers without SMTPUTF8 too.
 */
import { hexOf } from '../printable.ts';

/** Takes printable ASCII. */
export function toXtext(text: string): string {
  return text.replace(/[+=\x20]/g, (character) => `+${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Reports show it decoded. */
export function fromXtext(text: string | undefined): string | undefined {
  return text?.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** utf-8-addr-xtext, or utf-8-addr-unitext where characters beyond ASCII stand for themselves. */
const UTF8_XTEXT = /^(?:[!-*,-<>-[\]-~]|[^\x00-\x7f\p{C}\p{Z}\ufffd]|\\x\{[0-9A-Fa-f]{2,6}\})+$/u;
const EMBEDDED = /\\x\{([0-9A-F]+)\}/gi;
const UNFIT = /[\x00-\x1f\x7f\p{C}\p{Zl}\p{Zp}\ufffd]/u;

export function toUtf8Xtext(text: string): string {
  return text.replace(/[^!-*,-<>-[\]-~]/gu, (character) => `\\x{${hexOf(character)}}`);
}

/** The address that it stands for; undefined where it is malformed, or stands for what could end a line. */
export function fromUtf8Xtext(text: string): string | undefined {
  if (!UTF8_XTEXT.test(text)) return undefined;
  const points = [...text.matchAll(EMBEDDED)].map(([, hex = '']) => Number.parseInt(hex, 16));
  if (points.some((point) => point > 0x10ffff)) return undefined;
  const plain = text.replace(EMBEDDED, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
  return UNFIT.test(plain) ? undefined : plain;
}
