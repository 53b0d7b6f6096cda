/**
 * Counts by key over fixed windows that begin with the first use. In memory, of this process alone, and bounded: when
 * it is full, the window that began first is forgotten. (rate-limiter-flexible keeps a timer per key and has no bound.)
 */

export interface WindowCounter {
  /** The key's count in its current window. */
  used(key: string, windowMs: number): number;
  /** Counts up by one, and returns the window with its new count. */
  add(key: string, windowMs: number): Window;
  /** Counts down again what `add` counted in that window. Another window is left alone: it holds what others took. */
  giveBack(key: string, counted: Window): void;
  /** Lets the key's window begin now, its count kept. */
  restart(key: string): void;
  forget(key: string): void;
  /** Time until the key's window ends, 0 where it has none. */
  remainingMs(key: string, windowMs: number): number;
}

export interface Window {
  /** Also tells the windows of one key apart. */
  readonly start: number;
  readonly count: number;
}

export function createWindowCounter({
  maxKeys,
  now = () => performance.now(),
}: {
  maxKeys: number;
  now?: () => number;
}): WindowCounter {
  // in the order in which windows began: a Map keeps the order of insertion
  const windows = new Map<string, Window>();

  function current(key: string, windowMs: number): Window | undefined {
    const window = windows.get(key);
    if (window === undefined || now() - window.start < windowMs) return window;
    windows.delete(key);
    return undefined;
  }

  function begin(key: string, count: number): Window {
    windows.delete(key);
    const [oldest] = windows.keys();
    if (windows.size >= maxKeys && oldest !== undefined) windows.delete(oldest);
    return put(key, { start: now(), count });
  }

  function put(key: string, window: Window): Window {
    windows.set(key, window);
    return window;
  }

  return {
    used: (key, windowMs) => current(key, windowMs)?.count ?? 0,
    add(key, windowMs) {
      const window = current(key, windowMs);
      return window === undefined ? begin(key, 1) : put(key, { ...window, count: window.count + 1 });
    },
    giveBack(key, { start }) {
      const window = windows.get(key);
      if (window?.start === start) put(key, { start, count: Math.max(0, window.count - 1) });
    },
    restart: (key) => void begin(key, windows.get(key)?.count ?? 0),
    forget: (key) => void windows.delete(key),
    remainingMs(key, windowMs) {
      const window = current(key, windowMs);
      return window === undefined ? 0 : window.start + windowMs - now();
    },
  };
}
