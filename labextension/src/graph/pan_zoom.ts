import { useCallback, useEffect, useRef, useState } from 'react';
import type { PointerEvent, RefObject } from 'react';

/** Where a drawing stands in its window: a point of it at `(px, py)` is seen at `(x + zoom·px, y + zoom·py)`. */
export interface IPlace {
  x: number;
  y: number;
  zoom: number;
}

export interface ISize {
  width: number;
  height: number;
}

const ZOOM = { least: 0.02, fitted: 0.1, most: 2, readable: 0.75, margin: 24 };

/** The place at which a drawing is seen whole, in the middle, and no larger than it is. */
export function fit(drawing: ISize, window: ISize): IPlace {
  const across = (window.width - 2 * ZOOM.margin) / Math.max(1, drawing.width);
  const down = (window.height - 2 * ZOOM.margin) / Math.max(1, drawing.height);
  const zoom = Math.min(1, Math.max(ZOOM.fitted, Math.min(across, down)));
  return {
    zoom,
    x: (window.width - drawing.width * zoom) / 2,
    // what flows down begins at the top; in the middle only as far as there is room
    y: Math.max(ZOOM.margin, Math.min((window.height - drawing.height * zoom) / 2, 96))
  };
}

/** Zoom by a factor, with the point of the window that stays where it is. */
export function zoomAt(place: IPlace, factor: number, point: { x: number; y: number }): IPlace {
  const zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, place.zoom * factor));
  const ratio = zoom / place.zoom;
  return {
    zoom,
    x: point.x - (point.x - place.x) * ratio,
    y: point.y - (point.y - place.y) * ratio
  };
}

/** Lets a drawing be dragged, scrolled and zoomed within its window. */
export function usePanZoom(drawing: ISize): {
  window: RefObject<HTMLDivElement>;
  place: IPlace;
  /** Of the window. */
  size: ISize;
  onPointerDown: (event: PointerEvent<HTMLDivElement>) => void;
  zoomBy: (factor: number) => void;
  fitAll: () => void;
  /** Bring a box of the drawing into the middle, large enough to be read. */
  show: (box: ISize & { x: number; y: number }) => void;
} {
  const window = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<IPlace>({ x: 0, y: 0, zoom: 1 });
  const [size, setSize] = useState<ISize>({ width: 0, height: 0 });
  // once a person has moved the drawing, nobody else moves it
  const touched = useRef(false);
  const { width, height } = drawing;

  const sizeOf = (): ISize => ({
    width: window.current?.clientWidth ?? 0,
    height: window.current?.clientHeight ?? 0
  });
  const fitAll = useCallback(() => {
    touched.current = false;
    setPlace(fit({ width, height }, sizeOf()));
  }, [width, height]);
  const zoomBy = useCallback((factor: number) => {
    touched.current = true;
    const middle = sizeOf();
    setPlace(old => zoomAt(old, factor, { x: middle.width / 2, y: middle.height / 2 }));
  }, []);
  const show = useCallback((box: ISize & { x: number; y: number }) => {
    touched.current = true;
    const shown = sizeOf();
    setPlace(old => {
      const zoom = Math.max(old.zoom, ZOOM.readable);
      return {
        zoom,
        x: shown.width / 2 - (box.x + box.width / 2) * zoom,
        y: shown.height / 2 - (box.y + box.height / 2) * zoom
      };
    });
  }, []);

  useEffect(() => {
    const { current } = window;
    if (!current) {
      return;
    }
    const observer = new ResizeObserver(() => {
      setSize(sizeOf());
      if (!touched.current) {
        setPlace(fit({ width, height }, sizeOf()));
      }
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [width, height]);

  useEffect(() => {
    const { current } = window;
    // React listens to wheels passively, and could not keep the page from zooming
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      touched.current = true;
      const box = current!.getBoundingClientRect();
      const point = { x: event.clientX - box.left, y: event.clientY - box.top };
      setPlace(old =>
        event.ctrlKey || event.metaKey
          ? zoomAt(old, Math.exp(-event.deltaY / 300), point)
          : { ...old, x: old.x - event.deltaX, y: old.y - event.deltaY }
      );
    };
    current?.addEventListener('wheel', onWheel, { passive: false });
    return () => current?.removeEventListener('wheel', onWheel);
  }, []);

  const onPointerDown = useCallback((event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0 || (event.target as Element).closest('button, input')) {
      return;
    }
    const target = event.currentTarget;
    target.setPointerCapture(event.pointerId);
    let last = { x: event.clientX, y: event.clientY };
    const onMove = (move: globalThis.PointerEvent) => {
      touched.current = true;
      const by = { x: move.clientX - last.x, y: move.clientY - last.y };
      last = { x: move.clientX, y: move.clientY };
      setPlace(old => ({ ...old, x: old.x + by.x, y: old.y + by.y }));
    };
    const onEnd = () => {
      target.removeEventListener('pointermove', onMove);
      target.removeEventListener('pointerup', onEnd);
      target.removeEventListener('pointercancel', onEnd);
    };
    target.addEventListener('pointermove', onMove);
    target.addEventListener('pointerup', onEnd);
    target.addEventListener('pointercancel', onEnd);
  }, []);

  return { window, place, size, onPointerDown, zoomBy, fitAll, show };
}
