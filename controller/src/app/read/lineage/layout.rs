//! Places the nodes of a directed graph in layers, so that edges lead from left to right and few of
//! them cross. This module is pure: the same graph always has the same picture.
//!
//! The steps are those of Sugiyama: turn the edges of circles, give each node a layer, let long
//! edges bend at every layer, order each layer by the middle of its neighbours, and move the nodes
//! as near to their neighbours as the order allows.

/// The sweeps over all layers that look for an order with fewer crossings.
const SWEEPS: usize = 12;
/// The sweeps that move nodes towards their neighbours.
const MOVES: usize = 8;
/// The room that a bend of a long edge takes; a node takes 1.
const BEND: f64 = 0.5;

/// A placed graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    /// The layer of each node, from 0 at the left.
    pub(crate) layers: Vec<usize>,
    /// The height of each node, from 0 at the top. Nodes of a layer are at least 1 apart.
    pub(crate) heights: Vec<f64>,
    /// Where each edge bends between its ends: layers and heights.
    pub(crate) bends: Vec<Vec<(usize, f64)>>,
}

/// A node or a bend.
struct Vertex {
    layer: usize,
    room: f64,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Places a graph. The edges are pairs of nodes, which are numbers below `nodes`.
pub(crate) fn place(nodes: usize, edges: &[(usize, usize)]) -> Placed {
    let order = in_order(nodes, edges);
    let mut rank = vec![0; nodes];
    order.iter().enumerate().for_each(|(place, node)| rank[*node] = place);
    // An edge of a circle is turned, and then every edge leads to a later node.
    let forward: Vec<(usize, usize)> = edges
        .iter()
        .map(|&(from, to)| if rank[from] <= rank[to] { (from, to) } else { (to, from) })
        .collect();
    let mut vertices: Vec<Vertex> = layers(nodes, &forward, &order)
        .into_iter()
        .map(|layer| Vertex { layer, room: 1.0, before: Vec::new(), after: Vec::new() })
        .collect();
    let chains: Vec<Vec<usize>> =
        forward.iter().map(|&(from, to)| join(&mut vertices, from, to)).collect();
    let heights = heights(&vertices, &ordered(&vertices));
    let bend = |vertex: &usize| (vertices[*vertex].layer, heights[*vertex]);
    let bends = edges.iter().zip(&forward).zip(&chains).map(|((edge, forward), chain)| {
        let bends = chain.iter().map(bend);
        if edge == forward { bends.collect() } else { bends.rev().collect() }
    });
    Placed {
        bends: bends.collect(),
        layers: vertices[..nodes].iter().map(|vertex| vertex.layer).collect(),
        heights: heights[..nodes].to_vec(),
    }
}

/// Returns the nodes in an order in which few edges lead backwards: none, if there is no circle.
fn in_order(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waits = vec![0_usize; nodes];
    let mut after = vec![Vec::new(); nodes];
    for &(from, to) in edges.iter().filter(|(from, to)| from != to) {
        waits[to] += 1;
        after[from].push(to);
    }
    let mut left: Vec<usize> = (0..nodes).collect();
    let mut order = Vec::with_capacity(nodes);
    while !left.is_empty() {
        // In a circle no node is free, and the first one begins.
        let place = left.iter().position(|node| waits[*node] == 0).unwrap_or(0);
        let node = left.remove(place);
        for next in &after[node] {
            waits[*next] = waits[*next].saturating_sub(1);
        }
        order.push(node);
    }
    order
}

/// Gives each node the layer behind the last of those before it. Nodes without one before them come
/// as near to the next as they can.
fn layers(nodes: usize, forward: &[(usize, usize)], order: &[usize]) -> Vec<usize> {
    let mut layers = vec![0; nodes];
    let mut is_first = vec![true; nodes];
    for &node in order {
        for &(from, to) in forward.iter().filter(|&&(from, to)| from == node && from != to) {
            layers[to] = layers[to].max(layers[from] + 1);
            is_first[to] = false;
        }
    }
    for &node in order.iter().rev().filter(|node| is_first[**node]) {
        let next = forward.iter().filter(|&&(from, to)| from == node && to != node);
        if let Some(nearest) = next.map(|&(_, to)| layers[to]).min() {
            layers[node] = nearest - 1;
        }
    }
    layers
}

/// Joins two nodes with a bend in each layer between them. Returns the bends.
fn join(vertices: &mut Vec<Vertex>, from: usize, to: usize) -> Vec<usize> {
    let (first, last) = (vertices[from].layer, vertices[to].layer);
    let mut chain = Vec::new();
    let mut end = from;
    for layer in first + 1..last {
        let bend = vertices.len();
        vertices.push(Vertex { layer, room: BEND, before: vec![end], after: Vec::new() });
        vertices[end].after.push(bend);
        chain.push(bend);
        end = bend;
    }
    if first != last {
        vertices[end].after.push(to);
        vertices[to].before.push(end);
    }
    chain
}

/// Orders the vertices of each layer so that few edges cross.
fn ordered(vertices: &[Vertex]) -> Vec<Vec<usize>> {
    let last = vertices.iter().map(|vertex| vertex.layer).max().unwrap_or(0);
    let mut order = vec![Vec::new(); last + 1];
    vertices.iter().enumerate().for_each(|(index, vertex)| order[vertex.layer].push(index));
    let (mut best, mut fewest) = (order.clone(), crossings(vertices, &order));
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let rightwards = sweep % 2 == 0;
        let along: Vec<usize> =
            if rightwards { (1..=last).collect() } else { (0..last).rev().collect() };
        for layer in along {
            let beside = places(&order[if rightwards { layer - 1 } else { layer + 1 }]);
            let middle = |(place, vertex): (usize, &usize)| {
                let vertex = &vertices[*vertex];
                let near = if rightwards { &vertex.before } else { &vertex.after };
                mean(near.iter().map(|one| beside(*one))).unwrap_or(place as f64)
            };
            let mut keyed: Vec<(f64, usize)> = order[layer]
                .iter()
                .enumerate()
                .map(|(place, vertex)| (middle((place, vertex)), *vertex))
                .collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            order[layer] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
        }
        let now = crossings(vertices, &order);
        if now < fewest {
            (best, fewest) = (order.clone(), now);
        }
    }
    best
}

/// Returns the place of each vertex in its layer.
fn places(layer: &[usize]) -> impl Fn(usize) -> f64 + use<> {
    let most = layer.iter().max().map_or(0, |most| most + 1);
    let mut places = vec![0.0; most];
    layer.iter().enumerate().for_each(|(place, vertex)| places[*vertex] = place as f64);
    move |vertex| places.get(vertex).copied().unwrap_or_default()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// Counts the pairs of edges that cross.
fn crossings(vertices: &[Vertex], order: &[Vec<usize>]) -> usize {
    let between = |pair: &[Vec<usize>]| {
        let beside = places(&pair[1]);
        let ends = pair[0].iter().map(|vertex| vertices[*vertex].after.iter());
        let ends: Vec<Vec<f64>> =
            ends.map(|after| after.map(|one| beside(*one)).collect()).collect();
        let mut crossed = 0;
        for (place, upper) in ends.iter().enumerate() {
            for lower in &ends[place + 1..] {
                let above = |end: &f64| lower.iter().filter(|other| *other < end).count();
                crossed += upper.iter().map(above).sum::<usize>();
            }
        }
        crossed
    };
    order.windows(2).map(between).sum()
}

/// Gives each vertex a height near its neighbours, in the order of its layer.
fn heights(vertices: &[Vertex], order: &[Vec<usize>]) -> Vec<f64> {
    let mut heights = vec![0.0; vertices.len()];
    for layer in order {
        let wanted = vec![0.0; layer.len()];
        spread(vertices, layer, &wanted, &mut heights);
    }
    for step in 0..MOVES {
        let along: Vec<&Vec<usize>> =
            if step % 2 == 0 { order.iter().collect() } else { order.iter().rev().collect() };
        for layer in along {
            let wanted = layer.iter().map(|vertex| {
                let Vertex { before, after, .. } = &vertices[*vertex];
                let near = before.iter().chain(after).map(|one| heights[*one]);
                mean(near).unwrap_or(heights[*vertex])
            });
            let wanted: Vec<f64> = wanted.collect();
            spread(vertices, layer, &wanted, &mut heights);
        }
    }
    straighten(vertices, order, &mut heights);
    let top = heights.iter().copied().fold(f64::INFINITY, f64::min);
    heights.iter_mut().for_each(|height| *height -= top);
    heights
}

/// Gives a vertex the height of the one before it if nothing else is before the one or after the
/// other, so that chains are straight.
fn straighten(vertices: &[Vertex], order: &[Vec<usize>], heights: &mut [f64]) {
    for layer in order {
        let wanted = layer.iter().map(|vertex| match vertices[*vertex].before[..] {
            [only] if vertices[only].after.len() == 1 => heights[only],
            _ => heights[*vertex],
        });
        let wanted: Vec<f64> = wanted.collect();
        spread(vertices, layer, &wanted, heights);
    }
}

/// Gives the vertices of a layer the heights that are nearest to the wanted ones, by the squares of
/// the distances, among those with enough room between them. This is isotonic regression by pooling
/// neighbours.
fn spread(vertices: &[Vertex], layer: &[usize], wanted: &[f64], heights: &mut [f64]) {
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (place, vertex) in layer.iter().enumerate() {
        if place > 0 {
            offset += f64::midpoint(vertices[layer[place - 1]].room, vertices[*vertex].room);
        }
        offsets.push(offset);
    }
    // Pools of neighbours that stand as close as they may: the mean, and how many they are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (wanted - offset, 1);
        while let Some(&(above, many)) = pools.last().filter(|(above, _)| *above >= pool.0) {
            let all = many + pool.1;
            pool = ((above * many as f64 + pool.0 * pool.1 as f64) / all as f64, all);
            pools.pop();
        }
        pools.push(pool);
    }
    let all = pools.iter().flat_map(|&(height, many)| std::iter::repeat_n(height, many));
    for ((vertex, height), offset) in layer.iter().zip(all).zip(&offsets) {
        heights[*vertex] = height + offset;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that no two nodes are too near to each other, and that edges lead to the right.
    fn check(nodes: usize, edges: &[(usize, usize)]) -> Placed {
        let placed = place(nodes, edges);
        for one in 0..nodes {
            for other in 0..one {
                let apart = (placed.heights[one] - placed.heights[other]).abs();
                let is_near = placed.layers[one] == placed.layers[other] && apart < 1.0 - 1e-9;
                assert!(!is_near, "{one} and {other}: {placed:?}");
            }
        }
        for (&(from, to), bends) in edges.iter().zip(&placed.bends) {
            let between = placed.layers[to].abs_diff(placed.layers[from]);
            assert_eq!(bends.len(), between.saturating_sub(1), "{from} to {to}");
        }
        assert_eq!(placed, place(nodes, edges), "the same graph has the same picture");
        placed
    }

    #[test]
    fn a_chain_is_straight() {
        let placed = check(4, &[(0, 1), (1, 2), (2, 3)]);
        assert_eq!(placed.layers, [0, 1, 2, 3]);
        assert_eq!(placed.heights, [0.0; 4]);
    }

    #[test]
    fn a_long_edge_bends_around_the_nodes_between_its_ends() {
        let placed = check(3, &[(0, 1), (1, 2), (0, 2)]);
        assert_eq!(placed.layers, [0, 1, 2]);
        let [(layer, height)] = placed.bends[2][..] else { panic!("{placed:?}") };
        assert_eq!(layer, 1);
        assert!((height - placed.heights[1]).abs() >= 0.75 - 1e-9, "{placed:?}");
    }

    #[test]
    fn a_source_stands_beside_what_follows_it() {
        let placed = check(4, &[(0, 1), (1, 2), (3, 2)]);
        assert_eq!(placed.layers, [0, 1, 2, 1]);
    }

    #[test]
    fn edges_that_need_not_cross_do_not_cross() {
        // The nodes of the right layer come in the wrong order at first.
        let placed = check(6, &[(0, 5), (1, 4), (2, 3)]);
        assert!(placed.heights[3] > placed.heights[4] && placed.heights[4] > placed.heights[5]);
        let fan: Vec<_> = (1..8).map(|node| (0, node)).collect();
        let placed = check(8, &fan);
        assert!((placed.heights[0] - 3.0).abs() < 1e-9, "{placed:?}");
    }

    #[test]
    fn branches_of_single_nodes_are_straight() {
        // A fan of five chains, of which three meet again.
        let mut edges: Vec<_> = (1..6).flat_map(|node| [(0, node), (node, node + 5)]).collect();
        edges.extend([(6, 11), (7, 11), (8, 11), (11, 12)]);
        let placed = check(13, &edges);
        for (from, to) in (1..6).map(|node| (node, node + 5)).chain([(11, 12)]) {
            assert!((placed.heights[from] - placed.heights[to]).abs() < 1e-9, "{placed:?}");
        }
    }

    #[test]
    fn circles_and_loops_have_a_picture() {
        let placed = check(3, &[(0, 1), (1, 0), (1, 2), (2, 2)]);
        assert_eq!(placed.layers, [0, 1, 2]);
        check(2, &[(1, 0), (0, 1)]);
        check(0, &[]);
        check(1, &[]);
    }

    #[test]
    fn a_bad_order_of_many_edges_gets_fewer_crossings() {
        // Seven pairs in each of three layers, joined crosswise.
        let mut edges = Vec::new();
        for node in 0..7 {
            edges.push((node, 7 + (node * 3 + 1) % 7));
            edges.push((7 + node, 14 + (node * 5 + 2) % 7));
        }
        let placed = check(21, &edges);
        let crossed = edges
            .iter()
            .enumerate()
            .flat_map(|(index, one)| edges[..index].iter().map(move |other| (one, other)));
        let height = |node: usize| placed.heights[node];
        let crossed = crossed.filter(|(one, other)| {
            placed.layers[one.0] == placed.layers[other.0]
                && (height(one.0) - height(other.0)) * (height(one.1) - height(other.1)) < 0.0
        });
        assert_eq!(crossed.count(), 0);
    }
}
