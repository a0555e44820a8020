"""The hyper-parameters of published models, from their config.json files."""
from families import deepseek2, dense, gemma3n, gpt_oss, mixture
from recurrent import bert, gemma_vision, granite_hybrid, lfm2, mamba, qwen35


def attention_at(layers: int, where: tuple[int, ...], heads: int) -> list[int]:
    return [heads if layer in where else 0 for layer in range(layers)]


# layers, width, inner width, heads, key/value heads, vocabulary, trained context
MODELS = {
    "llama-3.2-1b": lambda: dense("llama", 16, 2048, 8192, 32, 8, 128256, 131072, tied=True, rope_tables=1),
    "llama-3.2-3b": lambda: dense("llama", 28, 3072, 8192, 24, 8, 128256, 131072, tied=True, rope_tables=1),
    "llama-3.1-8b": lambda: dense("llama", 32, 4096, 14336, 32, 8, 128256, 131072, rope_tables=1),
    "llama-3.3-70b": lambda: dense("llama", 80, 8192, 28672, 64, 8, 128256, 131072, rope_tables=1),
    "smollm2-135m": lambda: dense("llama", 30, 576, 1536, 9, 3, 49152, 8192, tied=True),
    "smollm2-1.7b": lambda: dense("llama", 24, 2048, 8192, 32, 32, 49152, 8192, tied=True),
    "mistral-7b": lambda: dense("llama", 32, 4096, 14336, 32, 8, 32768, 32768),
    "mistral-small-24b": lambda: dense("llama", 40, 5120, 32768, 32, 8, 131072, 32768, head=128, rope__dimension_count=128),
    "mixtral-8x7b": lambda: mixture("llama", 32, 4096, 14336, 32, 8, 8, 2, 32000, 32768, head=128),
    "smollm3-3b": lambda: dense("smollm3", 36, 2048, 11008, 16, 4, 128256, 65536, tied=True),
    "qwen2.5-0.5b": lambda: dense("qwen2", 24, 896, 4864, 14, 2, 151936, 32768, tied=True, bias=True),
    "qwen2.5-7b": lambda: dense("qwen2", 28, 3584, 18944, 28, 4, 152064, 131072, bias=True),
    "qwen2.5-vl-3b": lambda: dense("qwen2vl", 36, 2048, 11008, 16, 2, 151936, 128000, tied=True, bias=True,
                                   rope__dimension_sections=[16, 24, 24, 0]),
    "qwen3-0.6b": lambda: dense("qwen3", 28, 1024, 3072, 16, 8, 151936, 40960, head=128, tied=True, head_norms=True),
    "qwen3-8b": lambda: dense("qwen3", 36, 4096, 12288, 32, 8, 151936, 40960, head=128, head_norms=True),
    "qwen3-embedding-0.6b": lambda: dense("qwen3", 28, 1024, 3072, 16, 8, 151669, 32768, head=128, tied=True, head_norms=True,
                                          file_type="Q8_0", pooling_type=3),
    "qwen3-30b-a3b": lambda: mixture("qwen3moe", 48, 2048, 768, 32, 4, 128, 8, 151936, 40960, head=128, head_norms=True),
    "qwen3.5-4b": lambda: qwen35(32, 2560, 9216, 16, 4, 256, 16, 32, 128, 248320, 262144, tied=True),
    "gemma-2-2b": lambda: dense("gemma2", 26, 2304, 9216, 8, 4, 256000, 8192, head=256, tied=True, post_norms=True,
                                attention__sliding_window=4096),
    "gemma-3-1b": lambda: dense("gemma3", 26, 1152, 6912, 4, 1, 262144, 32768, head=256, tied=True, head_norms=True,
                                post_norms=True, attention__sliding_window=512),
    "gemma-3-4b": lambda: dense("gemma3", 34, 2560, 10240, 8, 4, 262208, 131072, head=256, tied=True, head_norms=True,
                                post_norms=True, attention__sliding_window=1024),
    "gemma-3-4b-mmproj": lambda: gemma_vision(27, 1152, 4304, 16, 896, 14, 2560),
    "gemma-3-12b": lambda: dense("gemma3", 48, 3840, 15360, 16, 8, 262208, 131072, head=256, tied=True, head_norms=True,
                                 post_norms=True, attention__sliding_window=1024),
    "gemma-3n-e2b": lambda: gemma3n(30, 2048, 8192, 8, 2, 256, 262400, 32768),
    "gemma-3n-e4b": lambda: gemma3n(35, 2048, 16384, 8, 2, 256, 262400, 32768),
    "embeddinggemma-300m": lambda: dense("gemma-embedding", 24, 768, 1152, 3, 1, 262144, 2048, head=256, tied=True,
                                         head_norms=True, post_norms=True, file_type="Q8_0", attention__sliding_window=512,
                                         pooling_type=1),
    "phi-3-mini": lambda: dense("phi3", 32, 3072, 8192, 32, 32, 32064, 4096, fused=True, attention__sliding_window=2047,
                                rope__dimension_count=96),
    "phi-4-mini": lambda: dense("phi3", 32, 3072, 8192, 24, 8, 200064, 131072, tied=True, fused=True, rope_tables=48,
                                attention__sliding_window=262144, rope__dimension_count=96),
    "phi-4": lambda: dense("phi3", 40, 5120, 17920, 40, 10, 100352, 16384, fused=True, attention__sliding_window=0,
                           rope__dimension_count=128),
    "deepseek-v2-lite": lambda: deepseek2(27, 2048, 10944, 1408, 16, 64, 6, 2, 512, 64, 192, 128, 102400, 163840),
    "gpt-oss-20b": lambda: gpt_oss(24, 2880, 2880, 64, 8, 64, 32, 4, 201088, 131072),
    "lfm2-1.2b": lambda: lfm2(16, 2048, 8192, 32, attention_at(16, (2, 5, 8, 10, 12, 14), 8), 65536, 128000),
    "mamba-790m": lambda: mamba(48, 1536, 16, 96, 50280, 1048576),
    "granite-4.0-h-micro": lambda: granite_hybrid(40, 2048, 8192, 32, attention_at(40, (5, 15, 25, 35), 8), 64, 64, 128, 100352,
                                                  131072),
    "granite-4.0-h-tiny": lambda: granite_hybrid(40, 1536, 512, 12, attention_at(40, (5, 15, 25, 35), 4), 128, 48, 128, 100352,
                                                 131072, experts=64, used=6, shared=1024),
    "nomic-embed-text": lambda: bert("nomic-bert", 12, 768, 3072, 12, 30522, 2048),
    "bge-small": lambda: bert("bert", 12, 384, 1536, 12, 30522, 512),
}
