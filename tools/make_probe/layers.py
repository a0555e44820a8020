"""The tensors of each architecture, with the names and shapes that llama.cpp 0.5.0 asks for (src/models/*.cpp)."""
from probe import Probe


def more_bits(layer: int, layers: int) -> bool:
    """Which layers get Q6_K for values and down projections in a Q4_K_M file: the first and last eighth and every third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


class Block:
    """Adds the tensors of one layer."""

    def __init__(self, probe: Probe, layer: int, layers: int):
        self.probe = probe
        self.layer = layer
        self.best = "Q6_K" if more_bits(layer, layers) else "Q4_K"

    def plain(self, name: str, *shape: int) -> None:
        """Norms, biases, small tables: never quantized."""
        self.probe.add(f"blk.{self.layer}.{name}", shape)

    def matrix(self, name: str, *shape: int, best: bool = False) -> None:
        type = {"Q4_K_M": self.best if best else "Q4_K", "MXFP4": "Q8_0"}.get(self.probe.file_type, self.probe.file_type)
        if "_exps." in name and self.probe.file_type == "MXFP4":
            type = "MXFP4"
        self.probe.add(f"blk.{self.layer}.{name}", shape, type)

    def attention(self, width: int, heads: int, kv_heads: int, head: int, fused: bool = False, bias: bool = False) -> None:
        query, keys = heads * head, kv_heads * head
        if fused:
            self.matrix("attn_qkv.weight", width, query + 2 * keys)
        else:
            self.matrix("attn_q.weight", width, query)
            self.matrix("attn_k.weight", width, keys)
            self.matrix("attn_v.weight", width, keys, best=True)
        if bias:
            self.plain("attn_q.bias", query)
            self.plain("attn_k.bias", keys)
            self.plain("attn_v.bias", keys)
        self.matrix("attn_output.weight", query, width)

    def head_norms(self, head: int) -> None:
        self.plain("attn_q_norm.weight", head)
        self.plain("attn_k_norm.weight", head)

    def network(self, width: int, inner: int, gate: bool = True, suffix: str = "") -> None:
        if gate:
            self.matrix(f"ffn_gate{suffix}.weight", width, inner)
        self.matrix(f"ffn_up{suffix}.weight", width, inner)
        self.matrix(f"ffn_down{suffix}.weight", inner, width, best=True)

    def experts(self, width: int, inner: int, count: int) -> None:
        self.plain("ffn_gate_inp.weight", width, count)
        self.matrix("ffn_gate_exps.weight", width, inner, count)
        self.matrix("ffn_up_exps.weight", width, inner, count)
        self.matrix("ffn_down_exps.weight", inner, width, count, best=True)


def embeddings(probe: Probe, width: int, vocabulary: int, tied: bool, norm: str = "output_norm.weight") -> None:
    """What lies outside the layers. A tied matrix serves as the output too and gets the output's type."""
    mixture = probe.file_type == "Q4_K_M"
    probe.add("token_embd.weight", (width, vocabulary), ("Q6_K" if tied else "Q4_K") if mixture else matrix_type(probe))
    probe.add(norm, (width,))
    if not tied:
        probe.add("output.weight", (width, vocabulary), "Q6_K" if mixture else matrix_type(probe))


def matrix_type(probe: Probe) -> str:
    return "Q8_0" if probe.file_type == "MXFP4" else probe.file_type
