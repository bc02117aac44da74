import { Resource } from '../src/models/resource';
import { FakeChanges } from './fakes';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: {} }));

let hidden = false;
Object.defineProperty(document, 'hidden', { get: () => hidden });

function hide(value: boolean): void {
  hidden = value;
  document.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  hide(false);
  jest.useRealTimers();
});

function follower(run: string, look = { active: true }) {
  return { run, active: () => look.active, onChange: jest.fn() };
}

describe('ChangeFeed', () => {
  it('waits in one request for all that is looked at, and tells each what is its own', async () => {
    const { feed, asked, tell } = bound(new FakeChanges());
    const [list, one, two] = [follower(''), follower('a'), follower('a')];
    [list, one, two].forEach(each => feed.follow(each));
    await jest.advanceTimersByTimeAsync(0);
    expect(asked.slice(-1)).toEqual([{ '': 0, a: 0 }]);
    await tell({ run: { a: 7 } });
    expect(one.onChange).toHaveBeenCalledTimes(1);
    expect(two.onChange).toHaveBeenCalledTimes(1);
    expect(list.onChange).not.toHaveBeenCalled();
    expect(asked.slice(-1)).toEqual([{ '': 0, a: 7 }]);
    await tell({ runs: 9 });
    expect(list.onChange).toHaveBeenCalledTimes(1);
    expect(asked.slice(-1)).toEqual([{ '': 9, a: 7 }]);
    feed.dispose();
  });

  it('tells of a switch to another backend, and of none at first', async () => {
    const changes = new FakeChanges();
    const { feed, tell } = bound(changes);
    const onSwitched = jest.fn();
    feed.switched.connect(onSwitched);
    feed.follow(follower(''));
    await jest.advanceTimersByTimeAsync(0);
    await tell({ runs: 1, switches: 4 });
    await tell({ switches: 4 });
    expect(onSwitched).not.toHaveBeenCalled();
    await tell({ switches: 9 });
    expect(onSwitched).toHaveBeenCalledTimes(1);
    expect(changes.switches).toEqual([null, 4, 4, 9]);
    feed.dispose();
  });

  it('waits for nothing while nobody looks, and begins when somebody does', async () => {
    const { feed, asked, tell } = bound(new FakeChanges());
    const look = { active: false };
    feed.follow(follower('a', look));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
    look.active = true;
    feed.wake();
    expect(asked).toHaveLength(1);
    look.active = false;
    await tell({});
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(1);
    feed.dispose();
  });

  it('rests while the page is hidden, and asks for what it missed when it is shown', async () => {
    const { feed, asked, tell } = bound(new FakeChanges());
    const one = follower('a');
    feed.follow(one);
    await tell({ run: { a: 3 } });
    hide(true);
    await jest.advanceTimersByTimeAsync(60_000);
    const before = asked.length;
    expect(feed.isTold('a')).toBe(false);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(before);
    hide(false);
    await jest.advanceTimersByTimeAsync(0);
    expect(asked.slice(-1)).toEqual([{ a: 3 }]);
    feed.dispose();
  });

  it('leaves it to others to ask while the server does not answer, and tries again less and less', async () => {
    const { feed, asked, tell, fail } = bound(new FakeChanges());
    feed.follow(follower('a'));
    await tell({ run: { a: 1 } });
    expect(feed.isTold('a')).toBe(true);
    await fail();
    expect(feed.isTold('a')).toBe(false);
    const before = asked.length;
    await jest.advanceTimersByTimeAsync(900);
    expect(asked).toHaveLength(before);
    await jest.advanceTimersByTimeAsync(200);
    expect(asked).toHaveLength(before + 1);
    await fail();
    await jest.advanceTimersByTimeAsync(1_900);
    expect(asked).toHaveLength(before + 1);
    await jest.advanceTimersByTimeAsync(200);
    await tell({});
    expect(feed.isTold('a')).toBe(true);
    feed.dispose();
  });

  it('leaves what the server cannot watch to those who ask, for a while', async () => {
    const { feed, asked, tell } = bound(new FakeChanges());
    feed.follow(follower('a'));
    feed.follow(follower('b'));
    await jest.advanceTimersByTimeAsync(0);
    await tell({ lost: ['a'], run: { b: 2 } });
    expect([feed.isTold('a'), feed.isTold('b')]).toEqual([false, true]);
    expect(asked.slice(-1)).toEqual([{ b: 2 }]);
    await jest.advanceTimersByTimeAsync(15_000);
    feed.wake();
    await jest.advanceTimersByTimeAsync(0);
    expect(asked.slice(-1)).toEqual([{ a: 0, b: 2 }]);
    feed.dispose();
  });
});

describe('Resource that is told of changes', () => {
  function make(changes: FakeChanges) {
    const load = jest.fn(() => Promise.resolve(1));
    const resource = new Resource({
      name: 'told',
      load,
      interval: () => 1_000,
      active: () => true,
      follow: { feed: changes.feed, run: 'a' }
    });
    return { load, resource };
  }

  it('asks when there is something new, and not again and again', async () => {
    const changes = new FakeChanges();
    const { load, resource } = make(changes);
    const ticks = jest.fn();
    resource.changed.connect(ticks);
    void resource.refresh();
    await jest.advanceTimersByTimeAsync(0);
    await changes.tell({ run: { a: 1 } });
    const before = load.mock.calls.length;
    ticks.mockClear();
    await jest.advanceTimersByTimeAsync(8_000);
    expect(load).toHaveBeenCalledTimes(before);
    expect(ticks.mock.calls.length).toBeGreaterThan(5); // times on screen go on
    await changes.tell({ run: { a: 2 } });
    expect(load).toHaveBeenCalledTimes(before + 1);
    // a change that nobody told of stays unseen for some seconds, and no longer
    await jest.advanceTimersByTimeAsync(32_000);
    expect(load.mock.calls.length).toBeGreaterThan(before + 1);
    resource.dispose();
    changes.feed.dispose();
  });

  it('goes back to asking when it is no longer told', async () => {
    const changes = new FakeChanges();
    const { load, resource } = make(changes);
    void resource.refresh();
    await jest.advanceTimersByTimeAsync(0);
    await changes.tell({ run: { a: 1 } });
    const before = load.mock.calls.length;
    await changes.fail();
    await jest.advanceTimersByTimeAsync(2_100);
    expect(load.mock.calls.length).toBeGreaterThanOrEqual(before + 2);
    resource.dispose();
    changes.feed.dispose();
  });

  it('asks once more for what changed while it was asking', async () => {
    const changes = new FakeChanges();
    const { load, resource } = make(changes);
    let finish: (value: number) => void = () => undefined;
    load.mockImplementationOnce(() => new Promise(resolve => (finish = resolve)));
    void resource.refresh();
    await jest.advanceTimersByTimeAsync(0);
    await changes.tell({ run: { a: 1 } });
    expect(load).toHaveBeenCalledTimes(1);
    finish(0);
    await jest.advanceTimersByTimeAsync(100);
    expect(load).toHaveBeenCalledTimes(2);
    resource.dispose();
    changes.feed.dispose();
  });
});

/** The parts of a fake, to be used by their names. */
function bound(changes: FakeChanges) {
  return {
    feed: changes.feed,
    asked: changes.asked,
    tell: changes.tell.bind(changes),
    fail: changes.fail.bind(changes)
  };
}
