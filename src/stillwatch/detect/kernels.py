"""Compiled loops of candidate search; `tests/detect` holds a naive twin of each."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@njit(nogil=True, cache=True)
def nearest(  # noqa: C901, PLR0917 - one compiled loop; numba takes positional arguments
    row_start: I64,
    columns: I32,
    weights: F32,
    column_start: I64,
    members: I32,
    member_weights: F32,
    searched: I32,
    window: int,
    neighbours: int,
    first: int,
    last: int,
) -> tuple[I32, F32]:
    """Find each row's most similar rows by an inverted index, with bounded work per posting.

    A posting longer than `2 * window` is not dropped: a row meets only the members within `window`
    places of itself in the posting (circulant), so one template shared by thousands still links
    them at a cost linear in its length.

    Args:
        row_start: CSR row offsets, rows + 1.
        columns: CSR column of each entry.
        weights: CSR weight of each entry; rows have unit Euclidean norm.
        column_start: CSC column offsets.
        members: CSC row of each entry, ascending; in an order of rows that makes neighbours alike.
        member_weights: CSC weight of each entry.
        searched: rows to search for.
        window: how far to look to either side in a long posting.
        neighbours: how many rows to return per row.
        first: place in `searched` of the first of them.
        last: one past the place of the last.

    Returns:
        Row indices (last - first, neighbours), -1 where fewer were found, and summed products.
    """
    rows = row_start.shape[0] - 1
    total = np.zeros(rows, np.float32)
    touched = np.empty(rows + 1, np.int32)
    found = np.full((last - first, neighbours), -1, np.int32)
    score = np.zeros((last - first, neighbours), np.float32)
    for place_of_row in range(first, last):
        row = searched[place_of_row]
        count = 0
        for entry in range(row_start[row], row_start[row + 1]):
            begin = column_start[columns[entry]]
            end = column_start[columns[entry] + 1]
            weight = weights[entry]
            # What lies within the window, and what of it lies beyond the end, at the beginning.
            low, high, rest = begin, end, begin
            if end - begin > 2 * window + 1:
                low = begin + np.searchsorted(members[begin:end], row) - window
                high = low + 2 * window + 1
                if low < begin:
                    low, high, rest = low + end - begin, end, high
                elif high > end:
                    rest, high = begin + high - end, end
            for part in range(2):
                for at in range(low if part == 0 else begin, high if part == 0 else rest):
                    other = members[at]
                    # Whether an account is new is hard to foretell: no branch here.
                    touched[count] = other
                    count += total[other] == 0.0
                    total[other] += weight * member_weights[at]
        total[row] = 0.0
        kept = 0
        at_row = place_of_row - first
        for k in range(count):
            other = touched[k]
            value = total[other]
            total[other] = 0.0
            if value <= (score[at_row, kept - 1] if kept == neighbours else 0.0):
                continue
            slot = kept if kept < neighbours else kept - 1
            while slot > 0 and score[at_row, slot - 1] < value:
                score[at_row, slot] = score[at_row, slot - 1]
                found[at_row, slot] = found[at_row, slot - 1]
                slot -= 1
            score[at_row, slot] = value
            found[at_row, slot] = other
            if kept < neighbours:
                kept += 1
    return found, score


@njit(nogil=True, cache=True)
def transpose(row_start: I64, columns: I32, weights: F32, size: int) -> tuple[I64, I32, F32]:
    """Turn rows into postings: who has each column, in the order of rows.

    Args:
        row_start: CSR row offsets, rows + 1.
        columns: CSR column of each entry.
        weights: CSR weight of each entry.
        size: number of columns.

    Returns:
        CSC column offsets, and row and weight of each entry.
    """
    start = np.zeros(size + 1, np.int64)
    for column in columns:
        start[column + 1] += 1
    start = np.cumsum(start)
    place = start[:-1].copy()
    members = np.empty(columns.shape[0], np.int32)
    member_weights = np.empty(columns.shape[0], np.float32)
    for row in range(row_start.shape[0] - 1):
        for entry in range(row_start[row], row_start[row + 1]):
            at = place[columns[entry]]
            place[columns[entry]] += 1
            members[at] = row
            member_weights[at] = weights[entry]
    return start, members, member_weights


@njit(nogil=True, cache=True)
def pair_products(row_start: I64, columns: I32, weights: F32, left: I32, right: I32) -> F32:
    """Return the dot product of pairs of CSR rows whose columns ascend."""
    out = np.zeros(left.shape[0], np.float32)
    for pair in range(left.shape[0]):
        i = row_start[left[pair]]
        i_end = row_start[left[pair] + 1]
        j = row_start[right[pair]]
        j_end = row_start[right[pair] + 1]
        product = np.float32(0.0)
        while i < i_end and j < j_end:
            if columns[i] == columns[j]:
                product += weights[i] * weights[j]
                i += 1
                j += 1
            elif columns[i] < columns[j]:
                i += 1
            else:
                j += 1
        out[pair] = product
    return out


@njit(nogil=True, cache=True)
def members_by_cluster(  # noqa: C901 - one compiled loop; numba takes positional arguments
    start: I64,
    posting: I32,
    cluster: I32,
    clusters: int,
    fewest: int,
) -> tuple[I64, I64, I64, I64]:
    """Count the members of each cluster that carry each feature.

    Args:
        start: where the accounts of each feature begin in `posting`, features + 1.
        posting: accounts that carry each feature, feature after feature.
        cluster: cluster per account, -1 for none.
        clusters: number of clusters.
        fewest: pairs of a feature and a cluster with fewer members are left out.

    Returns:
        Feature, cluster and members of each pair, by ascending feature; and for each cluster how
        many features any member carries.
    """
    count = np.zeros(clusters, np.int64)
    met = np.empty(clusters, np.int64)
    tested = np.zeros(clusters, np.int64)
    found = 0
    # Once to count the pairs, once to write them.
    for writing in range(2):
        if writing == 1:
            feature = np.empty(found, np.int64)
            which = np.empty(found, np.int64)
            members = np.empty(found, np.int64)
            found = 0
        for column in range(start.shape[0] - 1):
            several = 0
            for at in range(start[column], start[column + 1]):
                of = cluster[posting[at]]
                if of < 0:
                    continue
                if count[of] == 0:
                    met[several] = of
                    several += 1
                count[of] += 1
            for k in range(several):
                of = met[k]
                if count[of] >= fewest:
                    if writing == 1:
                        feature[found] = column
                        which[found] = of
                        members[found] = count[of]
                    found += 1
                if writing == 0:
                    tested[of] += 1
                count[of] = 0
    return feature, which, members, tested


@njit(nogil=True, cache=True)
def carriers_by_cohort(  # noqa: PLR0917 - numba takes positional arguments
    start: I64,
    posting: I32,
    wanted: I64,
    cohort: I64,
    among: NDArray[np.bool_],
    cohorts: int,
) -> I64:
    """Count the accounts of each cohort that carry some features.

    Args:
        start: where the accounts of each feature begin in `posting`, features + 1.
        posting: accounts that carry each feature, feature after feature.
        wanted: the features.
        cohort: cohort per account.
        among: the accounts that are counted.
        cohorts: number of cohorts.

    Returns:
        Carriers, shape (wanted features, cohorts).
    """
    carried = np.zeros((wanted.shape[0], cohorts), np.int64)
    for k in range(wanted.shape[0]):
        for at in range(start[wanted[k]], start[wanted[k] + 1]):
            who = posting[at]
            if among[who]:
                carried[k, cohort[who]] += 1
    return carried


@njit(nogil=True, cache=True)
def circulant(column_start: I64, members: I32, window: int) -> tuple[I32, I32]:
    """Link each member of each posting to the next `window` members on a cycle.

    Returns:
        Pairs (left, right) with left < right; duplicates are possible over postings.
    """
    pairs = 0
    for column in range(column_start.shape[0] - 1):
        length = column_start[column + 1] - column_start[column]
        if length > 1:
            pairs += length * min(window, length - 1)
    left = np.empty(pairs, np.int32)
    right = np.empty(pairs, np.int32)
    at = 0
    for column in range(column_start.shape[0] - 1):
        begin = column_start[column]
        length = column_start[column + 1] - begin
        if length < 2:
            continue
        reach = min(window, length - 1)
        for k in range(length):
            for step in range(1, reach + 1):
                a = members[begin + k]
                b = members[begin + (k + step) % length]
                left[at] = min(a, b)
                right[at] = max(a, b)
                at += 1
    return left, right


@njit(nogil=True, cache=True)
def pair_surprise(  # noqa: PLR0917 - numba takes positional arguments
    row_start: I64,
    columns: I32,
    column_family: NDArray[np.int8],
    family_line: NDArray[np.int8],
    rarity: F32,
    degree: F32,
    left: I32,
    right: I32,
    cap: float,
) -> tuple[F32, NDArray[np.uint32]]:
    """Sum the surprise of shared values over lines of evidence, degree-corrected and capped.

    A shared value of rarity -ln(share of accounts) is discounted by the product of both accounts'
    relative degrees in the family: who carries many values shares some by chance.

    Args:
        row_start: CSR row offsets of account features.
        columns: feature columns, ascending within a row.
        column_family: family of each column.
        family_line: line of evidence of each family; of a line the most telling family counts.
        rarity: nats of each column.
        degree: relative degree, shape (accounts, families), 1 is average.
        left: first account of each pair.
        right: second account of each pair.
        cap: most nats that one line may add.

    Returns:
        Nats per pair, and a bit set of the lines that added any.
    """
    families = degree.shape[1]
    out = np.zeros(left.shape[0], np.float32)
    seen = np.zeros(left.shape[0], np.uint32)
    sums = np.zeros(families, np.float32)
    lines = np.zeros(32, np.float32)
    for pair in range(left.shape[0]):
        a = left[pair]
        b = right[pair]
        i = row_start[a]
        j = row_start[b]
        sums[:] = 0.0
        while i < row_start[a + 1] and j < row_start[b + 1]:
            if columns[i] == columns[j]:
                family = column_family[columns[i]]
                chance = np.log(max(1.0, degree[a, family] * degree[b, family]))
                sums[family] += max(0.0, rarity[columns[i]] - chance)
                i += 1
                j += 1
            elif columns[i] < columns[j]:
                i += 1
            else:
                j += 1
        lines[:] = 0.0
        for family in range(families):
            line = family_line[family]
            lines[line] = max(lines[line], sums[family])
        for line in range(32):
            if lines[line] > 0.0:
                seen[pair] |= np.uint32(1) << np.uint32(line)
                out[pair] += min(lines[line], cap)
    return out, seen
