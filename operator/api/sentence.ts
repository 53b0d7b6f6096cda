/** zod's issues as sentences for people: the field, what it must be, and what it is. */
import type { z } from 'zod';

/** Longest value to quote. */
const QUOTED_MAX = 60;
/** Where people put passwords and codes by mistake: sentences go into statuses and into the logs of pipelines. */
const NEAR_SECRETS = /\.(credentials|credentialsSecretRef|email)\b/;

/** `spec.upstream.port must be at most 65535; it is 70000.` */
export function sentenceOf(field: string, issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return `${field} is missing; add it.`;
  const value = NEAR_SECRETS.test(field) ? '' : itIs(issue);
  return `${field} ${predicateOf(issue)}${value}.`;
}

function predicateOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${articled(issue.expected)}`;
    case 'too_big':
      return `must ${measured(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`)}`;
    case 'too_small':
      return `must ${measured(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`)}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'invalid_key':
    case 'invalid_element':
    case 'invalid_union':
    case 'unrecognized_keys':
    case 'not_multiple_of':
    case 'invalid_format':
    case 'custom':
      // the schemas give each pattern and each check of their own a message that begins with "must"
      return issue.message;
  }
}

function measured(origin: string, bound: string): string {
  switch (origin) {
    case 'string':
      return `have ${bound} characters`;
    case 'array':
    case 'set':
      return `hold ${bound} entries`;
    default:
      return `be ${bound}`;
  }
}

function articled(type: string): string {
  switch (type) {
    case 'int':
      return 'a whole number';
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'a mapping';
    case 'string':
      return 'text (in quotes, where YAML reads it as something else)';
    case 'boolean':
      return 'true or false';
    default:
      return `a ${type}`;
  }
}

function itIs({ code, input }: z.core.$ZodIssue): string {
  // a check of our own knows what is wrong inside: that it is a mapping is not
  if (code === 'custom' && typeof input === 'object') return '';
  if (input === null) return '; it is null';
  if (Array.isArray(input)) return `; it is a list of ${input.length}`;
  if (typeof input === 'object') return '; it is a mapping';
  if (typeof input === 'string') return `; it is ${JSON.stringify(shortened(input))}`;
  return typeof input === 'number' || typeof input === 'boolean' ? `; it is ${input}` : '';
}

function shortened(text: string): string {
  return text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}...` : text;
}
