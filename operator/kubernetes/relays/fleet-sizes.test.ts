import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createFleetSizes } from './fleet-sizes.ts';

describe('the number of relays that limits are divided by', () => {
  function start(t: TestContext) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let ready = 0;
    const told: number[] = [];
    const sizes = createFleetSizes({
      ready: () => ready,
      onChange: (className) => void told.push(sizes.of(className)),
      holdMs: 1000,
    });
    const become = (count: number): void => {
      ready = count;
      sizes.look('default');
    };
    return { become, told, sizes, pass: (ms: number) => t.mock.timers.tick(ms) };
  }

  test('is one before there are any, and grows at once', (t) => {
    const { become, told, sizes } = start(t);
    assert.equal(sizes.of('default'), 1);
    for (const count of [0, 1, 2, 3, 3]) become(count);
    assert.deepEqual(told, [2, 3]);
    assert.equal(sizes.of('other'), 1);
  });

  test('stays while a pod is being replaced', (t) => {
    const { become, told, pass } = start(t);
    become(3);
    for (const count of [2, 3, 2, 3]) {
      become(count);
      pass(700);
    }
    pass(5000);
    assert.deepEqual(told, [3]);
  });

  test('shrinks to what there is once that has lasted, and not to none', (t) => {
    const { become, told, sizes, pass } = start(t);
    become(4);
    become(3);
    pass(600);
    become(2);
    pass(600);
    assert.deepEqual(told, [4, 2]);
    become(0);
    pass(5000);
    assert.equal(sizes.of('default'), 2);
    become(1);
    pass(5000);
    assert.deepEqual(told, [4, 2, 1]);
  });

  test('is told no more once it is closed', (t) => {
    const { become, told, sizes, pass } = start(t);
    become(2);
    become(1);
    sizes.close();
    pass(5000);
    assert.deepEqual(told, [2]);
  });
});
