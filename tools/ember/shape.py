"""How large Ember's network is. Needs nothing of PyTorch."""
import dataclasses


@dataclasses.dataclass
class Shape:
    hidden: int = 256
    layers: int = 4
    heads: int = 8
    key_value_heads: int = 2
    feed_forward: int = 768
    vocabulary: int = 2048
    context: int = 1024
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5

    @property
    def head(self) -> int:
        return self.hidden // self.heads

    @property
    def narrow(self) -> int:
        """Width of keys and of values."""
        return self.head * self.key_value_heads
