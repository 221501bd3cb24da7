//! The scans on graphics cards, as CubeCL kernels for every device that it knows: one thread walks through time for one
//! channel of one row. Kernels read and write numbers in order, so tensors are made contiguous first.
//!
//! What a gradient adds up over rows or channels is added in a fixed order: threads of a cube put their parts side by
//! side and one thread adds them, cubes write parts that [`sum`] adds. No sum depends on which thread comes first.

mod delta;
mod diagonal;
mod gated;
mod selective;

use burn::{
    backend::TensorMetadata,
    tensor::{DType, Shape},
};
use burn_cubecl::{
    CubeBackend,
    ops::numeric::{empty_device_contiguous_dtype, zeros_client},
    tensor::CubeTensor,
};
use cubecl::{calculate_cube_count_elemwise, prelude::*};

use super::{DeltaSaved, DiagonalSaved, ScanBackend, ScanKernels, SelectiveSaved, rows::Dims};

/// Threads of a cube that need nothing of each other.
const UNITS: u32 = 64;

/// Most channels that a cube adds up.
const RUN: usize = 32;

fn dims(tensor: &CubeTensor) -> Dims {
    let shape = tensor.shape();
    Dims {
        batch: shape[0],
        steps: shape[1],
        width: shape[2],
    }
}

/// A tensor for a kernel to fill, where `like` lives.
fn blank<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::from(shape), DType::F32)
}

fn zeros<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    zeros_client(client, device, Shape::from(shape), DType::F32)
}

/// The numbers of a tensor, for a kernel.
fn arg(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

/// Cubes for `count` threads that need nothing of each other.
fn threads(client: &Client, count: usize) -> (CubeCount, CubeDim) {
    let most = client.properties().hardware.max_units_per_cube;
    let dim = CubeDim::new_1d(UNITS.min(most));
    (calculate_cube_count_elemwise(client, count, dim), dim)
}

/// How a reverse whose gradients add up over channels is divided: rows × runs of channels, one cube each.
#[derive(Debug, Clone, Copy)]
struct Division {
    /// Channels of a cube, its threads.
    run: usize,
    /// Cubes of a row.
    runs: usize,
    /// Steps between two states that are kept on the way forth; those between are computed again on the way back, so
    /// that T steps need 2√T states of memory.
    chunk: usize,
    /// States that a thread keeps: one of every chunk, and those of a chunk.
    slots: usize,
}

impl Division {
    /// For threads that share `shared` numbers each.
    fn new(client: &Client, dims: Dims, shared: usize) -> Self {
        let hardware = &client.properties().hardware;
        let fits = hardware.max_shared_memory_size / (shared.max(1) * size_of::<f32>());
        let most = fits.min(hardware.max_units_per_cube as usize).clamp(1, RUN);
        let run = dims.width.clamp(1, most);
        let chunk = dims.steps.isqrt().max(1);
        Self {
            run,
            runs: dims.width.div_ceil(run),
            chunk,
            slots: dims.steps.div_ceil(chunk) + chunk,
        }
    }

    fn cubes(&self, client: &Client, dims: Dims) -> (CubeCount, CubeDim) {
        let dim = CubeDim::new_1d(self.run as u32);
        let count = dims.batch * self.runs * self.run;
        (calculate_cube_count_elemwise(client, count, dim), dim)
    }

    /// Where threads keep states of `n` numbers.
    fn history(&self, like: &CubeTensor, dims: Dims, n: usize) -> CubeTensor {
        blank(like, [self.slots, n, dims.batch * self.runs * self.run])
    }
}

/// Sums over the middle axis of `[outer, count, inner]`, in order, in the shape `to`.
fn sum<const D: usize>(
    parts: &CubeTensor,
    [outer, count, inner]: [usize; 3],
    to: [usize; D],
) -> CubeTensor {
    let sums = blank(parts, to);
    let (cubes, units) = threads(&parts.client, outer * inner);
    add_parts::launch(
        &parts.client,
        cubes,
        units,
        arg(parts),
        arg(&sums),
        outer * inner,
        count,
        inner,
    );
    sums
}

#[cube(launch)]
fn add_parts(parts: &[f32], sums: &mut [f32], total: usize, count: usize, inner: usize) {
    if ABSOLUTE_POS >= total {
        terminate!();
    }
    let from = ABSOLUTE_POS / inner * count * inner + ABSOLUTE_POS % inner;
    let mut sum = 0.0f32;
    for part in 0..count {
        sum += parts[from + part * inner];
    }
    sums[ABSOLUTE_POS] = sum;
}

/// Adds, in their order, what the threads of a cube have put into `shared`, `size` numbers each; the sums go to
/// `parts`, from `at` on. All threads of a cube must come here together.
#[cube]
fn add_units(
    shared: &Shared<[f32]>,
    parts: &mut [f32],
    at: usize,
    #[comptime] size: usize,
    #[comptime] run: usize,
) {
    sync_cube();
    let mut j = UNIT_POS as usize;
    while j < size {
        let mut sum = 0.0f32;
        for unit in 0..run {
            sum += shared[unit * size + j];
        }
        parts[at + j] = sum;
        j += run;
    }
    sync_cube();
}

impl ScanBackend for CubeBackend {
    fn diagonal_scan(
        transition: CubeTensor,
        input: CubeTensor,
        keep: CubeTensor,
        state: CubeTensor,
    ) -> CubeTensor {
        diagonal::forward(transition, input, keep, state)
    }

    fn gated_scan(
        decay: CubeTensor,
        input: CubeTensor,
        keep: CubeTensor,
        state: CubeTensor,
    ) -> CubeTensor {
        gated::forward(decay, input, keep, state)
    }

    fn selective_scan(
        delta: CubeTensor,
        a: CubeTensor,
        b: CubeTensor,
        c: CubeTensor,
        input: CubeTensor,
        keep: CubeTensor,
        state: CubeTensor,
    ) -> CubeTensor {
        selective::forward(SelectiveSaved {
            delta,
            a,
            b,
            c,
            input,
            keep,
            state,
        })
    }

    fn delta_scan(
        query: CubeTensor,
        key: CubeTensor,
        value: CubeTensor,
        decay: CubeTensor,
        write: CubeTensor,
        keep: CubeTensor,
        state: CubeTensor,
    ) -> CubeTensor {
        delta::forward(DeltaSaved {
            query,
            key,
            value,
            decay,
            write,
            keep,
            state,
        })
    }
}

impl ScanKernels for CubeBackend {
    fn diagonal_scan_backward(saved: DiagonalSaved<Self>, grad: CubeTensor) -> [CubeTensor; 3] {
        diagonal::backward(saved, grad)
    }

    fn gated_scan_backward(saved: DiagonalSaved<Self>, grad: CubeTensor) -> [CubeTensor; 3] {
        gated::backward(saved, grad)
    }

    fn selective_scan_backward(saved: SelectiveSaved<Self>, grad: CubeTensor) -> [CubeTensor; 6] {
        selective::backward(saved, grad)
    }

    fn delta_scan_backward(saved: DeltaSaved<Self>, grad: CubeTensor) -> [CubeTensor; 6] {
        delta::backward(saved, grad)
    }
}
