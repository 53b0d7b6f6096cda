import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listSpec } from '../../api/list.ts';
import { classSettingsSchema } from '../../settings/settings.ts';
import { objectionToHost } from './allowed-upstream.ts';
import { aClassView } from '../../../test/support/class-view.ts';

test('lists of a class without hosts have no upstream of their own, and are told so', () => {
  const settings = classSettingsSchema.parse({ allowListUpstream: { hosts: [] } });
  const { upstream } = listSpec.parse({ upstream: { host: 'smtp.provider.example' } });
  const view = aClassView(settings);
  assert.deepEqual(objectionToHost('bulk', upstream!, view), {
    field: ['spec', 'upstream'],
    message:
      'spec.upstream: lists of relay class bulk have no upstream of their own; remove it, or ask the platform owner.',
  });
});
