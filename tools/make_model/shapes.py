"""The shapes: metadata and tensors of each model."""
import dataclasses

from gguf import F16, F32, Model, Tensor, flag, real, text, uint
from vocabulary import byte_pair_vocabulary, word_piece_metadata
from weights import Weights


@dataclasses.dataclass
class Decoder:
    architecture: str
    name: str
    type: int
    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int
    vocabulary: int
    ordinary_tokens: int
    context: int
    rope_base: float
    biases: bool  # of queries, keys and values

    def metadata(self) -> dict:
        prefix = self.architecture
        return {
            "general.architecture": text(prefix),
            "general.type": text("model"),
            "general.name": text(self.name),
            "general.description": text("Random weights, made for tests: its text has no meaning"),
            "general.file_type": uint(1 if self.type == F16 else 0),
            "general.quantization_version": uint(2),
            f"{prefix}.block_count": uint(self.layers),
            f"{prefix}.context_length": uint(self.context),
            f"{prefix}.embedding_length": uint(self.hidden),
            f"{prefix}.feed_forward_length": uint(self.feed_forward),
            f"{prefix}.attention.head_count": uint(self.heads),
            f"{prefix}.attention.head_count_kv": uint(self.key_value_heads),
            f"{prefix}.attention.layer_norm_rms_epsilon": real(1e-6),
            f"{prefix}.rope.freq_base": real(self.rope_base),
            f"{prefix}.rope.dimension_count": uint(self.hidden // self.heads),
            f"{prefix}.vocab_size": uint(self.vocabulary),
        }

    def build(self, seed: int) -> Model:
        vocabulary = byte_pair_vocabulary(self.vocabulary, self.ordinary_tokens)
        weights = Weights(seed, self.type)
        hidden, narrow = self.hidden, self.hidden // self.heads * self.key_value_heads
        # Embedding and output share one matrix. Small numbers, so that what the layers say outweighs the token itself and it is not repeated;
        # silent tokens have rows of zero and so a score of zero, far below the best ones. The gain of the last norm spreads the scores.
        embedding_deviation = 0.02
        tensors: list[Tensor] = [
            weights.matrix("token_embd.weight", hidden, self.vocabulary, deviation=embedding_deviation,
                           zero_rows=vocabulary.silent),
            weights.vector("output_norm.weight", hidden, 3.5 / (embedding_deviation * hidden**0.5)),
        ]
        for layer in range(self.layers):
            block = f"blk.{layer}"
            tensors.append(weights.vector(f"{block}.attn_norm.weight", hidden, 1.0))
            # Sharp attention: the answer depends on single tokens of the prompt, not on their mean.
            for part, rows, gain in (("q", hidden, 3.0), ("k", narrow, 1.0), ("v", narrow, 1.0)):
                tensors.append(weights.matrix(f"{block}.attn_{part}.weight", hidden, rows, gain))
                if self.biases:
                    tensors.append(weights.vector(f"{block}.attn_{part}.bias", rows, deviation=0.1))
            tensors.append(weights.matrix(f"{block}.attn_output.weight", hidden, hidden))
            tensors.append(weights.vector(f"{block}.ffn_norm.weight", hidden, 1.0))
            tensors.append(weights.matrix(f"{block}.ffn_gate.weight", hidden, self.feed_forward))
            tensors.append(weights.matrix(f"{block}.ffn_up.weight", hidden, self.feed_forward))
            tensors.append(weights.matrix(f"{block}.ffn_down.weight", self.feed_forward, hidden))
        return Model(self.metadata() | vocabulary.metadata(), tensors)


TINY = Decoder("llama", "Hearth tiny", F32, hidden=128, layers=2, heads=8, key_value_heads=2, feed_forward=320, vocabulary=2048,
               ordinary_tokens=2040, context=4096, rope_base=10000.0, biases=False)
SMALL = Decoder("llama", "Hearth 135M", F16, hidden=576, layers=30, heads=9, key_value_heads=3, feed_forward=1536, vocabulary=49152,
                ordinary_tokens=49000, context=8192, rope_base=100000.0, biases=False)
HALF = Decoder("qwen2", "Hearth 0.5B", F16, hidden=896, layers=24, heads=14, key_value_heads=2, feed_forward=4864, vocabulary=151936,
               ordinary_tokens=151643, context=32768, rope_base=1000000.0, biases=True)


def build_embedder(seed: int) -> Model:
    hidden, layers, heads, feed_forward, context = 128, 2, 4, 256, 512
    vocabulary, tokenizer = word_piece_metadata(2048)
    metadata = {
        "general.architecture": text("bert"),
        "general.type": text("model"),
        "general.name": text("Hearth embed"),
        "general.description": text("Random weights, made for tests: its vectors have no meaning"),
        "general.file_type": uint(0),
        "bert.block_count": uint(layers),
        "bert.context_length": uint(context),
        "bert.embedding_length": uint(hidden),
        "bert.feed_forward_length": uint(feed_forward),
        "bert.attention.head_count": uint(heads),
        "bert.attention.layer_norm_epsilon": real(1e-12),
        "bert.attention.causal": flag(False),
        "bert.pooling_type": uint(1),
    } | tokenizer
    weights = Weights(seed, F32)
    tensors: list[Tensor] = []

    def norm(name: str) -> None:
        tensors.append(weights.vector(f"{name}.weight", hidden, 1.0))
        tensors.append(weights.vector(f"{name}.bias", hidden))

    def linear(name: str, columns: int, rows: int) -> None:
        tensors.append(weights.matrix(f"{name}.weight", columns, rows))
        tensors.append(weights.vector(f"{name}.bias", rows, deviation=0.05))

    tensors.append(weights.matrix("token_embd.weight", hidden, vocabulary, deviation=1.0))
    tensors.append(weights.matrix("token_types.weight", hidden, 2, deviation=0.1))
    tensors.append(weights.matrix("position_embd.weight", hidden, context, deviation=0.1))
    norm("token_embd_norm")
    for layer in range(layers):
        block = f"blk.{layer}"
        for part in ("q", "k", "v", "output"):
            linear(f"{block}.attn_{part}", hidden, hidden)
        norm(f"{block}.attn_output_norm")
        linear(f"{block}.ffn_up", hidden, feed_forward)
        linear(f"{block}.ffn_down", feed_forward, hidden)
        norm(f"{block}.layer_output_norm")
    return Model(metadata, tensors)


SHAPES = {"tiny": TINY.build, "135m": SMALL.build, "0.5b": HALF.build, "embed": build_embedder}
