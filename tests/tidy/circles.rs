//! Finds circles in a graph by Tarjan's algorithm for strongly connected components.

use std::collections::{BTreeMap, BTreeSet};

/// The graph of imports: for each file, the files that it imports.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns every strongly connected component of more than one node, sorted.
pub(crate) fn circles(graph: &Graph) -> Vec<Vec<&str>> {
    let (numbers, lowest) = (BTreeMap::new(), BTreeMap::new());
    let mut search = Search { graph, numbers, lowest, stack: Vec::new(), circles: Vec::new() };
    for node in graph.keys() {
        if !search.numbers.contains_key(node.as_str()) {
            search.visit(node);
        }
    }
    search.circles.iter_mut().for_each(|circle| circle.sort_unstable());
    search.circles.sort_unstable();
    search.circles
}

struct Search<'g> {
    graph: &'g Graph,
    /// The nodes' numbers in the order of the search.
    numbers: BTreeMap<&'g str, usize>,
    /// For each node, its low-link: the lowest number on the search's stack that the search reached
    /// from it.
    lowest: BTreeMap<&'g str, usize>,
    stack: Vec<&'g str>,
    circles: Vec<Vec<&'g str>>,
}

impl<'g> Search<'g> {
    fn visit(&mut self, node: &'g str) {
        let number = self.numbers.len();
        self.numbers.insert(node, number);
        self.stack.push(node);
        let mut lowest = number;
        for next in self.graph.get(node).into_iter().flatten() {
            if !self.numbers.contains_key(next.as_str()) {
                self.visit(next);
                lowest = lowest.min(self.lowest[next.as_str()]);
            } else if self.stack.contains(&next.as_str()) {
                lowest = lowest.min(self.numbers[next.as_str()]);
            }
        }
        self.lowest.insert(node, lowest);
        if lowest == number {
            let first = self.stack.iter().position(|other| *other == node).unwrap_or_default();
            let circle = self.stack.split_off(first);
            if circle.len() > 1 {
                self.circles.push(circle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_and_chains_are_not() {
        let graph = |edges: &[(&str, &str)]| {
            let mut graph = Graph::new();
            for (from, to) in edges {
                graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
                graph.entry((*to).to_owned()).or_default();
            }
            graph
        };
        assert!(circles(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
        let two = graph(&[("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "c")]);
        assert_eq!(circles(&two), [vec!["a", "b"], vec!["c", "d", "e"]]);
    }
}
