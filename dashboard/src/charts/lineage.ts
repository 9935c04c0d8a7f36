/** Which runs made and used which versions of artifacts, in layers from left to right. */

import { Chart } from './chart';
import { categoryColour } from './colours';
import type { Table } from './data';
import { visible } from './format';
import { rulerOf } from './layer';
import { squeeze, type Pen } from './pen';
import type { Spot } from './pointer';
import { curve, rounded } from './shapes';
import { stateColour } from './states';
import type { Tip } from './tooltip';

export interface LineageNode {
  id: string;
  kind: 'version' | 'run' | 'more';
  name: string;
  /** The type of a version, or the state of a run. */
  detail: string;
  version: number | null;
  /** How many nodes a node of the kind `more` stands for. */
  more: number;
  layer: number;
  height: number;
}

export interface LineageData {
  /** The first node is the one that the lineage is of. */
  nodes: readonly LineageNode[];
  /** Numbers of nodes, and the layers and heights of bends between them. */
  edges: readonly {
    from: number;
    to: number;
    bends: readonly (readonly [number, number])[];
  }[];
}

const nodeWidth = 176;
const nodeHeight = 42;
const layerStep = nodeWidth + 64;
const rowStep = 56;
const margin = 20;
const [leastZoom, mostZoom] = [0.25, 2];
/** A picture that would become smaller than this begins at its first node instead. */
const readable = 0.62;
/** The control points of an edge are this part of the way between its ends apart from them. */
const bow = 0.5;

interface View {
  scale: number;
  x: number;
  y: number;
}

export class Lineage extends Chart<LineageData> {
  protected readonly kind = 'lineage';
  private view: View = { scale: 1, x: 0, y: 0 };
  /** Whether the reader moved the picture; until then, it follows its size. */
  private moved_ = false;
  private before: View | null = null;
  private beside: { before: number[]; after: number[] }[] = [];
  private kinds: string[] = [];

  /** The height that an element needs to show all nodes. */
  static height(data: LineageData): number {
    const lowest = data.nodes.reduce((most, node) => Math.max(most, node.height), 0);
    return Math.round(lowest * rowStep + nodeHeight + 2 * margin);
  }

  table(): Table {
    const nodes = this.data?.nodes ?? [];
    const rows = (this.data?.edges ?? []).map(({ from, to }) => {
      const [one, other] = [nodes[from], nodes[to]];
      if (!one || !other) return [];
      const deed = one.kind === 'version' || other.kind === 'run' ? 'used by' : 'made';
      return [titleOf(one), deed, titleOf(other)];
    });
    return { columns: ['from', 'deed', 'to'], rows };
  }

  /** Shows everything, or begins at the first node if everything would be too small. */
  fit(): void {
    this.moved_ = false;
    this.update();
  }

  protected arrange(data: LineageData): void {
    this.beside = data.nodes.map(() => ({ before: [], after: [] }));
    for (const { from, to } of data.edges) {
      this.beside[from]?.after.push(to);
      this.beside[to]?.before.push(from);
    }
    const kinds = data.nodes.filter((node) => node.kind === 'version');
    this.kinds = [...new Set(kinds.map((node) => node.detail))].sort();
    if (!this.moved_) this.view = this.whole(data);
  }

  protected paint(layer: number, pen: Pen): void {
    if (!this.data) return;
    if (layer === this.last) {
      this.paintNodes(pen);
      return;
    }
    const near = this.related();
    this.data.edges.forEach((_, index) => this.paintEdge(pen, index, near));
  }

  override hover(id: string | null): void {
    if (id === this.hovered) return;
    super.hover(id);
    this.redraw();
  }

  protected visibleIds(): string[] {
    return (this.data?.nodes ?? []).map((node) => node.id);
  }

  protected pixels(): Record<string, [number, number]> {
    const nodes = this.data?.nodes ?? [];
    return Object.fromEntries(nodes.map((node) => [node.id, this.place(node)]));
  }

  protected override moved(at: Spot): void {
    const node = this.nodeAt(at);
    this.root.style.cursor = node ? 'pointer' : 'grab';
    if (node) this.point(node.id, this.tip(node), at);
    else this.point(null);
  }

  protected override clicked(at: Spot): void {
    const node = this.nodeAt(at);
    if (node) this.options.onopen?.(node.id);
  }

  protected override dragged(from: Spot, to: Spot, done: boolean): void {
    this.before ??= this.view;
    const { scale, x, y } = this.before;
    this.show({ scale, x: x + to.x - from.x, y: y + to.y - from.y });
    this.root.style.cursor = done ? 'grab' : 'grabbing';
    if (done) this.before = null;
  }

  protected override wheeled(at: Spot, event: WheelEvent): void {
    // Without the key, the wheel scrolls the page.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomBy(event.deltaY > 0 ? 0.85 : 1 / 0.85, at.x, at.y);
  }

  protected override pressed(event: KeyboardEvent): boolean {
    const [middleX, middleY] = [this.width / 2, this.height / 2];
    switch (event.key) {
      case '+':
      case '=':
        this.zoomBy(1.25, middleX, middleY);
        return true;
      case '-':
        this.zoomBy(0.8, middleX, middleY);
        return true;
      case '0':
        this.fit();
        return true;
      case 'Escape':
        this.point(null);
        return true;
      case 'Enter':
      case ' ':
        if (this.hovered !== null) this.options.onopen?.(this.hovered);
        return true;
      default:
        return this.step(event.key);
    }
  }

  private whole(data: LineageData): View {
    const [layers, heights] = [
      data.nodes.map((node) => node.layer),
      data.nodes.map((node) => node.height),
    ];
    const width = Math.max(0, ...layers) * layerStep + nodeWidth;
    const height = Math.max(0, ...heights) * rowStep + nodeHeight;
    const room = { x: this.width - 2 * margin, y: this.height - 2 * margin };
    const scale = Math.min(1, room.x / width, room.y / height);
    const middle = (scale: number) => ({
      scale,
      x: (this.width - width * scale) / 2,
      y: (this.height - height * scale) / 2,
    });
    const first = data.nodes[0];
    if (scale >= readable || !first) return middle(scale);
    // The first node stands in the middle.
    return {
      scale: readable,
      x: this.width / 2 - (first.layer * layerStep + nodeWidth / 2) * readable,
      y: this.height / 2 - (first.height * rowStep + nodeHeight / 2) * readable,
    };
  }

  private show(view: View): void {
    this.moved_ = true;
    this.view = view;
    this.redraw();
  }

  private zoomBy(factor: number, x: number, y: number): void {
    const { view } = this;
    const scale = Math.min(mostZoom, Math.max(leastZoom, view.scale * factor));
    const by = scale / view.scale;
    this.show({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by });
  }

  /** The middle of a node in pixels. */
  private place(node: { layer: number; height: number }): [number, number] {
    const { scale, x, y } = this.view;
    return [
      x + (node.layer * layerStep + nodeWidth / 2) * scale,
      y + (node.height * rowStep + nodeHeight / 2) * scale,
    ];
  }

  private nodeAt(at: Spot): LineageNode | undefined {
    const { scale } = this.view;
    return this.data?.nodes.find((node) => {
      const [x, y] = this.place(node);
      const [dx, dy] = [Math.abs(at.x - x), Math.abs(at.y - y)];
      return dx <= (nodeWidth / 2) * scale && dy <= (nodeHeight / 2) * scale;
    });
  }

  /** The nodes that came before the one under the pointer, and those that came of it. */
  private related(): Set<number> | null {
    const start = this.data?.nodes.findIndex((node) => node.id === this.hovered) ?? -1;
    if (start < 0) return null;
    const found = new Set([start]);
    for (const side of ['before', 'after'] as const) {
      const waiting = [start];
      const seen = new Set(waiting);
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        for (const next of this.beside[one]?.[side] ?? []) {
          if (seen.has(next)) continue;
          seen.add(next);
          found.add(next);
          waiting.push(next);
        }
      }
    }
    return found;
  }

  private step(key: string): boolean {
    const nodes = this.data?.nodes ?? [];
    const at = Math.max(
      0,
      nodes.findIndex((node) => node.id === this.hovered),
    );
    const now = nodes[at];
    if (!now || !/^Arrow(Left|Right|Up|Down)$/.test(key)) return false;
    if (this.hovered === null) {
      this.goTo(now);
      return true;
    }
    const { before = [], after = [] } = this.beside[at] ?? {};
    const down = key === 'ArrowDown';
    const candidates =
      key === 'ArrowLeft'
        ? before.map((index) => nodes[index])
        : key === 'ArrowRight'
          ? after.map((index) => nodes[index])
          : nodes.filter(
              (node) =>
                node.layer === now.layer &&
                (down ? node.height > now.height : node.height < now.height),
            );
    const [next] = candidates
      .filter((node) => node !== undefined)
      .sort((a, b) => Math.abs(a.height - now.height) - Math.abs(b.height - now.height));
    if (next) this.goTo(next);
    return true;
  }

  /** Puts the keyboard on a node, and brings it into sight. */
  private goTo(node: LineageNode): void {
    const [x, y] = this.place(node);
    const edge = { x: (nodeWidth / 2) * this.view.scale + 8, y: rowStep * this.view.scale };
    const dx = Math.min(0, this.width - edge.x - x) + Math.max(0, edge.x - x);
    const dy = Math.min(0, this.height - edge.y - y) + Math.max(0, edge.y - y);
    if (dx !== 0 || dy !== 0) {
      this.show({ ...this.view, x: this.view.x + dx, y: this.view.y + dy });
    }
    this.point(node.id);
    this.announce(this.tip(node), x + dx, y + dy + (nodeHeight / 2) * this.view.scale);
  }

  private tip(node: LineageNode): Tip {
    const detail = node.kind === 'run' ? 'state' : 'type';
    const rows = node.detail ? [{ name: detail, value: visible(node.detail) }] : [];
    const does = node.kind === 'more' ? 'Enter or a click shows them' : '';
    return { title: titleOf(node), rows: does ? [{ name: does, value: '' }] : rows };
  }

  private colourOf(node: LineageNode): string {
    if (node.kind === 'run') return stateColour(node.detail, this.theme);
    return categoryColour(this.kinds.indexOf(node.detail), this.theme.dark);
  }

  private paintEdge(pen: Pen, index: number, near: Set<number> | null): void {
    const edge = this.data?.edges[index];
    const [from, to] = [this.data?.nodes[edge?.from ?? -1], this.data?.nodes[edge?.to ?? -1]];
    if (!edge || !from || !to) return;
    const { scale } = this.view;
    const half = (nodeWidth / 2) * scale;
    const back = from.layer >= to.layer;
    const side = back ? -half : half;
    const [startX, startY] = this.place(from);
    const [endX, endY] = this.place(to);
    const bends = edge.bends.map(([layer, height]) => this.place({ layer, height }));
    const points: [number, number][] = [
      [startX + side, startY],
      ...bends,
      [endX - side - (back ? -5 : 5), endY],
    ];
    const strong = near?.has(edge.from) && near.has(edge.to);
    const colour = strong ? this.theme.accent : this.theme.muted;
    const dash = from.kind === 'more' || to.kind === 'more' ? [3, 3] : undefined;
    const alpha = near && !strong ? 0.25 : strong ? 1 : 0.6;
    pen.begin();
    curve(pen, points, bow);
    pen.stroke({ colour, width: strong ? 1.8 : 1.2, dash, alpha });
    const sign = back ? -1 : 1;
    const tip = endX - side;
    pen.begin();
    pen.move(tip, endY);
    pen.line(tip - 7 * sign, endY - 3.6);
    pen.line(tip - 7 * sign, endY + 3.6);
    pen.close();
    pen.fill(colour, alpha);
  }

  private paintNodes(pen: Pen): void {
    const near = this.related();
    this.data?.nodes.forEach((node, index) => {
      const strength = near && !near.has(index) ? 0.35 : 1;
      this.paintNode(pen, node, index === 0, strength);
    });
  }

  private paintNode(pen: Pen, node: LineageNode, isRoot: boolean, strength: number): void {
    const { theme } = this;
    const { scale } = this.view;
    const [x, y] = this.place(node);
    const [width, height] = [nodeWidth * scale, nodeHeight * scale];
    const [left, top] = [x - width / 2, y - height / 2];
    // No layer is drawn where it cannot be seen.
    if (left > this.width || left + width < 0 || top > this.height || top + height < 0) return;
    const hovered = node.id === this.hovered;
    const radius = node.kind === 'version' ? 7 * scale : height / 2;
    const colour = node.kind === 'more' ? theme.muted : this.colourOf(node);
    pen.begin();
    rounded(pen, left, top, width, height, radius);
    pen.fill(theme.surface);
    pen.fill(isRoot ? theme.accent : colour, (isRoot ? 0.14 : 0.08) * strength);
    const edge = isRoot || hovered ? theme.accent : theme.muted;
    pen.stroke({
      colour: edge,
      width: isRoot || hovered ? 2 : 1,
      alpha: (isRoot || hovered ? 1 : 0.5) * strength,
      dash: node.kind === 'more' ? [4, 3] : undefined,
    });
    if (scale < 0.35) return;
    if (node.kind === 'more') {
      const style = { colour: theme.ink, align: 'center', size: 12 * scale } as const;
      pen.text(`${node.more} more`, x, y, style);
      return;
    }
    pen.begin();
    if (node.kind === 'run') pen.circle(left + 17 * scale, y, 5 * scale);
    else rounded(pen, left + 11 * scale, y - 6 * scale, 11 * scale, 12 * scale, 2.5 * scale);
    pen.fill(colour, strength);
    const [textX, room] = [left + 31 * scale, 130];
    // A text is shortened at its full size, so that it stays the same while the reader zooms.
    const ruler = rulerOf(theme);
    const title = squeeze(ruler, visible(node.name), room * 0.9, true);
    const style = { colour: strength < 1 ? theme.muted : theme.ink, size: 12 * scale };
    pen.text(title, textX, y - 7.5 * scale, { ...style, bold: true });
    const below = node.kind === 'run' ? node.detail : `v${node.version ?? 0} · ${node.detail}`;
    const small = { colour: theme.muted, size: 11 * scale };
    pen.text(squeeze(ruler, visible(below), room), textX, y + 8.5 * scale, small);
  }
}

function titleOf(node: LineageNode): string {
  if (node.kind === 'more') return `${node.more} more`;
  return node.kind === 'run' ? node.name : `${node.name}:v${node.version ?? 0}`;
}
