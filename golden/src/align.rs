//! Which item of one sequence is which of another, so that one missing item does not make all that follow look wrong.
//!
//! Knows nothing of what the items are.

/// One step through both sequences, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The same item, perhaps changed.
    Both(usize, usize),
    /// Only in the first sequence.
    Missing(usize),
    /// Only in the second sequence.
    Extra(usize),
}

/// What an item only in one sequence costs. Two that cost less than twice this together are taken for one changed item.
pub(crate) const GAP_COST: u32 = 1000;

/// How far the sequences may drift apart beyond their difference in length.
const DRIFT_MAX: usize = 64;
/// Beyond this many pairs to weigh, the sequences have little in common and pairing in order tells as much.
const CELLS_MAX: usize = 4_000_000;

/// The cheapest way through a sequence of `m` and one of `n` items (edit distance with `cost` of a change; `None`: the two
/// can't be the same item). Time and memory grow with the longer length times the drift allowed.
pub(crate) fn align(m: usize, n: usize, cost: impl Fn(usize, usize) -> Option<u32>) -> Vec<Step> {
    let same = |i: usize, j: usize| cost(i, j) == Some(0);
    let head = (0..m.min(n)).take_while(|&i| same(i, i)).count();
    let tail = (1..=m.min(n) - head).take_while(|&k| same(m - k, n - k)).count();
    let mut steps: Vec<Step> = (0..head).map(|i| Step::Both(i, i)).collect();
    steps.extend(align_banded(head..m - tail, head..n - tail, &cost));
    steps.extend((0..tail).map(|k| Step::Both(m - tail + k, n - tail + k)));
    steps
}

fn align_banded(
    firsts: std::ops::Range<usize>,
    seconds: std::ops::Range<usize>,
    cost: &impl Fn(usize, usize) -> Option<u32>,
) -> Vec<Step> {
    let (m, n) = (firsts.len(), seconds.len());
    let drift = m.abs_diff(n) + DRIFT_MAX;
    let columns = |i: usize| i.saturating_sub(drift)..=n.min(i + drift);
    if (m + 1).saturating_mul((n + 1).min(2 * drift + 1)) > CELLS_MAX {
        return in_order(firsts, seconds);
    }
    // best[i] holds, for each column in reach, the least cost of the first i and j items and the last step of that way.
    let mut best: Vec<Vec<(u32, Step)>> = Vec::with_capacity(m + 1);
    for i in 0..=m {
        let above = i.checked_sub(1).map(|above| (columns(above), &best[above]));
        let from_above = |j: usize| {
            let (columns, row) = above.as_ref()?;
            columns.contains(&j).then(|| row[j - columns.start()].0)
        };
        let mut row: Vec<(u32, Step)> = Vec::with_capacity(columns(i).clone().count());
        for j in columns(i) {
            // The last items of the first i and j, where there are any.
            let (first, second) = ((firsts.start + i).saturating_sub(1), (seconds.start + j).saturating_sub(1));
            let both = (i > 0 && j > 0)
                .then(|| Some((from_above(j - 1)? + cost(first, second)?, Step::Both(first, second))))
                .flatten();
            let missing = from_above(j).map(|so_far| (so_far + GAP_COST, Step::Missing(first)));
            let extra = row.last().map(|&(so_far, _)| (so_far + GAP_COST, Step::Extra(second)));
            let start = (0, Step::Both(0, 0));
            row.push([both, missing, extra].into_iter().flatten().min_by_key(|&(cost, _)| cost).unwrap_or(start));
        }
        best.push(row);
    }
    let (mut i, mut j) = (m, n);
    let mut steps = Vec::new();
    while i > 0 || j > 0 {
        let step = best[i][j - columns(i).start()].1;
        steps.push(step);
        match step {
            Step::Both(..) => (i, j) = (i - 1, j - 1),
            Step::Missing(_) => i -= 1,
            Step::Extra(_) => j -= 1,
        }
    }
    steps.reverse();
    steps
}

fn in_order(firsts: std::ops::Range<usize>, seconds: std::ops::Range<usize>) -> Vec<Step> {
    let pairs = firsts.len().min(seconds.len());
    let mut steps: Vec<Step> = firsts.clone().zip(seconds.clone()).map(|(i, j)| Step::Both(i, j)).collect();
    steps.extend(firsts.skip(pairs).map(Step::Missing));
    steps.extend(seconds.skip(pairs).map(Step::Extra));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(first: &str, second: &str) -> String {
        let (first, second): (Vec<char>, Vec<char>) = (first.chars().collect(), second.chars().collect());
        // A letter may change its case, nothing else.
        let cost = |i: usize, j: usize| {
            let (a, b): (char, char) = (first[i], second[j]);
            (a.eq_ignore_ascii_case(&b)).then_some(if a == b { 0 } else { 700 })
        };
        let step = |step| match step {
            Step::Both(i, j) if first[i] == second[j] => first[i].to_string(),
            Step::Both(i, _) => format!("~{}", first[i]),
            Step::Missing(i) => format!("-{}", first[i]),
            Step::Extra(j) => format!("+{}", second[j]),
        };
        align(first.len(), second.len(), cost).into_iter().map(step).collect()
    }

    #[test]
    fn a_gap_does_not_shift_what_follows() {
        assert_eq!(words("abcdef", "abcdef"), "abcdef");
        assert_eq!(words("abcdef", "acdeF"), "a-bcde~f");
        assert_eq!(words("acdeF", "abcdef"), "a+bcde~F");
        assert_eq!(words("abc", "xbc"), "+x-abc");
        assert_eq!(words("", "ab"), "+a+b");
        assert_eq!(words("ab", ""), "-a-b");
        assert_eq!(words("", ""), "");
        assert_eq!(words("aaaa", "aa"), "aa-a-a");
    }

    #[test]
    fn long_sequences_are_aligned_too_and_hopeless_ones_paired_in_order() {
        // Every item differs a little, so that nothing is settled by the common head and tail.
        let cost = |i: usize, j: usize| Some(if i + 1 == j { 1 } else { 600 });
        let steps = align(5000, 5000, cost);
        assert_eq!(steps[0], Step::Extra(0));
        assert_eq!(steps[5000], Step::Missing(4999));
        let steps = align(3000, 6000, |_, _| Some(600));
        assert_eq!(steps.len(), 6000);
        assert_eq!(steps[2999], Step::Both(2999, 2999));
    }
}
