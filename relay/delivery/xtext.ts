/** Decodes xtext (RFC 3461 section 4): nodemailer encodes again what came encoded, and reports show it decoded. */
export function fromXtext(text: string | undefined): string | undefined {
  return text?.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
