// What a page under measurement notes of itself.

/** Milliseconds of each task of the main thread that took 50 or more. */
window.tasks = [];
new PerformanceObserver(list =>
  window.tasks.push(...list.getEntries().map(entry => entry.duration))
).observe({ type: 'longtask' });

/** Resolves after the next frame has been made. */
window.frame = () =>
  new Promise(resolve =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(performance.now());
      port2.postMessage(null);
    })
  );

/** Milliseconds from the end of the first answer from `path` until what `selector` finds has been painted. */
window.painted = async (selector, path) => {
  performance.clearResourceTimings();
  await new Promise(resolve => {
    const observer = new MutationObserver(() => {
      if (document.querySelector(selector)) {
        observer.disconnect();
        resolve();
      }
    });
    observer.observe(document.body, { childList: true, subtree: true });
  });
  const seen = await window.frame();
  const [answer] = performance
    .getEntriesByType('resource')
    .filter(entry => entry.name.includes(path) && entry.responseEnd > 0);
  return seen - answer.responseEnd;
};

/** Milliseconds that it takes at least: to parse the answer from `path`, and to paint a word for each thing in it. */
window.floorOf = async path => {
  const text = await (await fetch(path)).text();
  const begin = performance.now();
  const answer = JSON.parse(text);
  const box = document.createElement('div');
  box.style.cssText = 'position: fixed; inset: 0; z-index: 1; overflow: hidden;';
  (answer.runs ?? answer.graph.steps).forEach(({ name }) => {
    const row = document.createElement('div');
    row.textContent = name;
    box.append(row);
  });
  document.body.append(box);
  const taken = (await window.frame()) - begin;
  box.remove();
  return taken;
};

/** A point of the graph by which it can be dragged. */
window.freePoint = () => {
  const box = document.querySelector('[data-kfops="graph"]').getBoundingClientRect();
  for (let x = box.left + 20; x < box.right - 220; x += 10) {
    for (let y = box.top + 60; y < box.bottom - 140; y += 10) {
      const found = document.elementFromPoint(x, y);
      if (found?.closest('[data-kfops="graph"]') && !found.closest('button, input')) {
        return [x, y];
      }
    }
  }
  throw new Error('the graph has no free point');
};
