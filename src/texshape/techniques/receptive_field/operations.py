"""PyTorch's operations: their names by what they do with the positions of a map, and their arguments."""

from __future__ import annotations

from typing import Any

from torch import Tensor

# Operations that pass values on unchanged or act on each element alone, where PyTorch's tag is
# missing.
ELEMENTWISE = {
    "clone", "contiguous", "alias", "detach", "lift_fresh", "_to_copy", "to", "native_dropout",
    "dropout", "gelu", "gelu_", "silu", "silu_", "mish", "hardswish", "hardswish_", "hardsigmoid",
    "hardsigmoid_", "elu", "elu_", "leaky_relu", "leaky_relu_", "relu", "relu_", "prelu",
    "_prelu_kernel", "hardtanh", "hardtanh_", "softplus", "threshold", "threshold_", "clamp",
    "where", "fill_", "zero_", "copy", "masked_fill", "masked_fill_", "rrelu_with_noise",
    "rrelu_with_noise_functional", "log_sigmoid_forward",
}  # fmt: skip
PRODUCTS = {"mul", "mul_", "div", "div_"}
NORMS = {
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm", "miopen_batch_norm", "_batch_norm_no_update", "batch_norm",
    "_batch_norm_with_update", "_batch_norm_with_update_functional",
}  # fmt: skip
# Operations along one dimension, which leave the positions alone where it has none.
ALONG = {
    "cumsum", "cumprod", "cummax", "cummin", "flip", "sort", "topk", "glu", "index_select",
    "gather", "median", "kthvalue",
}  # fmt: skip
ATTENTION = {
    "_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_flash_attention_forward",
    "_efficient_attention_forward",
}  # fmt: skip
REDUCTIONS = {
    "mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "std_mean", "logsumexp",
    "norm", "linalg_vector_norm", "prod", "argmax", "argmin", "any", "all",
}  # fmt: skip
# What mixes positions on the main path, unlike the pooling that ends a network or feeds a gate.
MIXING = {
    "attention",
    "matrix product over space",
    "tokens joined to the positions",
    "softmax over space",
    "convolution with positions as channels",
}
FACTORS = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
    "matmul": ("self", "other"),
    "linear": ("input", "weight"),
}
# Operations that take nothing but a shape or a type from their argument.
SHAPE_ONLY = {
    "new_zeros", "new_ones", "new_empty", "new_full", "new_empty_strided", "zeros_like",
    "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "sym_size", "sym_stride",
    "sym_numel", "is_same_size", "sym_storage_offset",
}  # fmt: skip


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors in nested lists, tuples and mappings, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def bind(operation: Any, args: tuple, kwargs: dict) -> dict[str, Any]:
    """Arguments by their names in the operation's schema."""
    names = [argument.name for argument in operation._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}
