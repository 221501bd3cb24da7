//! Mazes by the hunt-and-kill method.
//!
//! A random walk through unvisited rooms carves passages until it has no unvisited neighbour; then a room is picked at
//! random, and a new walk starts there if the room has been visited. So the passages form a spanning tree of the rooms.
//!
//! *As in the Python package mazelib (0.9.16), which `POPGym` uses; it stops after as many picks as there are
//! squares, and once in some ten thousand mazes leaves a room closed.*

use rand::RngExt;

use crate::stream::Stream;

pub(super) const FREE: u16 = 0;
pub(super) const WALL: u16 = 1;

/// Carves a maze of `rooms` × `rooms` rooms into `grid`, `side` × `side` squares with `side = 2·rooms + 1`: rooms at
/// odd coordinates, the rest walls and passages. After `picks` picks (if there is such a limit) rooms may be left
/// closed.
pub(super) fn carve(grid: &mut [u16], rooms: usize, picks: Option<usize>, rng: &mut Stream) {
    let side = 2 * rooms + 1;
    grid.fill(WALL);
    let pick = |rng: &mut Stream| {
        let mut coordinate = || 2 * rng.random_range(0..rooms as u32) as usize + 1;
        let row = coordinate();
        row * side + coordinate()
    };
    let start = pick(rng);
    grid[start] = FREE;
    let mut closed = rooms * rooms - 1;
    closed -= walk(grid, side, start, rng);
    for _ in 0..picks.unwrap_or(usize::MAX) {
        if closed == 0 {
            break;
        }
        let room = pick(rng);
        if grid[room] == FREE {
            closed -= walk(grid, side, room, rng);
        }
    }
}

/// Walks from an open room until there is no closed one beside it; returns how many were opened.
fn walk(grid: &mut [u16], side: usize, mut room: usize, rng: &mut Stream) -> usize {
    let mut opened = 0;
    loop {
        let (row, column) = (room / side, room % side);
        let beside = [
            (row > 1).then(|| room.wrapping_sub(2 * side)),
            (row + 2 < side).then_some(room + 2 * side),
            (column > 1).then(|| room.wrapping_sub(2)),
            (column + 2 < side).then_some(room + 2),
        ];
        let mut closed = [0; 4];
        let mut count = 0;
        for next in beside.into_iter().flatten() {
            if grid[next] == WALL {
                closed[count] = next;
                count += 1;
            }
        }
        if count == 0 {
            return opened;
        }
        let next = closed[rng.random_range(0..count as u32) as usize];
        grid[next] = FREE;
        grid[usize::midpoint(room, next)] = FREE;
        room = next;
        opened += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_form_a_spanning_tree() {
        let mut rng = Stream::new(1, 0, "test");
        for rooms in [1, 2, 5, 9] {
            let side = 2 * rooms + 1;
            let mut grid = vec![FREE; side * side];
            carve(&mut grid, rooms, None, &mut rng);
            let free = grid.iter().filter(|&&square| square == FREE).count();
            // As many passages as a tree has edges, and all of them reached from one room.
            assert_eq!(free, 2 * rooms * rooms - 1);
            let (mut reached, mut next) = (vec![false; grid.len()], vec![side + 1]);
            while let Some(square) = next.pop() {
                if grid[square] == FREE && !std::mem::replace(&mut reached[square], true) {
                    next.extend([square - 1, square + 1, square - side, square + side]);
                }
            }
            assert_eq!(reached.iter().filter(|&&r| r).count(), free);
        }
    }

    #[test]
    fn few_picks_sometimes_leave_rooms_closed() {
        let mut rng = Stream::new(1, 0, "test");
        let mut grid = vec![FREE; 121];
        let mut broken = 0;
        for _ in 0..1000 {
            carve(&mut grid, 5, Some(20), &mut rng);
            broken += i32::from(grid.iter().filter(|&&square| square == FREE).count() < 49);
        }
        assert!((1..1000).contains(&broken), "{broken}");
    }
}
