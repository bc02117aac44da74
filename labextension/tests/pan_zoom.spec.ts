import { fit, zoomAt } from '../src/graph/pan_zoom';

describe('fit', () => {
  const window = { width: 800, height: 600 };

  it('shows a large drawing whole', () => {
    const place = fit({ width: 1600, height: 2400 }, window);
    expect(2400 * place.zoom).toBeLessThanOrEqual(600);
    expect(place.x + 1600 * place.zoom).toBeLessThanOrEqual(800);
    expect(place.x).toBeGreaterThanOrEqual(0);
  });

  it('does not blow up a small one', () => {
    expect(fit({ width: 100, height: 50 }, window)).toEqual({ zoom: 1, x: 350, y: 96 });
  });
});

describe('zoomAt', () => {
  it('keeps the point under the pointer', () => {
    const before = { x: 10, y: 20, zoom: 1 };
    const after = zoomAt(before, 1.5, { x: 110, y: 220 });
    // the point (100, 200) of the drawing is seen at (110, 220) before and after
    expect(after.x + after.zoom * 100).toBeCloseTo(110);
    expect(after.y + after.zoom * 200).toBeCloseTo(220);
  });

  it('has limits', () => {
    expect(zoomAt({ x: 0, y: 0, zoom: 1 }, 100, { x: 0, y: 0 }).zoom).toBe(2);
    expect(zoomAt({ x: 0, y: 0, zoom: 1 }, 0.001, { x: 0, y: 0 }).zoom).toBe(0.02);
  });
});
