/**
 * Writes pages as templates in which every value is escaped, for text and for quoted attributes: only what is in the
 * source becomes markup. An attribute without quotes would be a hole; a test looks for one (html.test.ts).
 */
import { html as template, raw } from 'hono/html';

/** What may stand in a template. `false`, `null` and `undefined` are nothing. */
export type Html = Markup | string | number | boolean | null | undefined | readonly Html[];

/** What a template has made. */
export interface Markup {
  readonly isEscaped: true;
  readonly toString: () => string;
}

/** Values are there when the template is: it is not asynchronous, as that of the library may be. */
export const html = template as (strings: TemplateStringsArray, ...values: readonly Html[]) => Markup;

/** A style sheet within a page: character for character, since a policy allows it by its hash. @param css a constant of ours. */
export function styleElement(css: string): Markup {
  return raw(`<style>${css}</style>`);
}

/** @param page its element `html`. */
export function renderPage(page: Markup): string {
  return `<!doctype html>\n${page.toString().trim()}\n`;
}
