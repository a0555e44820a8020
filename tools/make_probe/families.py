"""Architectures: hyper-parameters in, a probe out."""
from layers import Block, embeddings
from probe import Probe


def start(architecture: str, layers: int, width: int, vocabulary: int, context: int, file_type: str = "Q4_K_M", **keys) -> Probe:
    probe = Probe(architecture, file_type)
    probe.key("block_count", layers)
    probe.key("embedding_length", width)
    probe.key("vocab_size", vocabulary)
    probe.key("context_length", context)
    probe.key("attention.layer_norm_rms_epsilon", 1e-6)
    for name, value in keys.items():
        probe.key(name.replace("__", "."), value)
    return probe


def heads_keys(probe: Probe, heads: int, kv_heads, head: int | None) -> None:
    probe.key("attention.head_count", heads)
    probe.key("attention.head_count_kv", kv_heads)
    if head:
        probe.key("attention.key_length", head)
        probe.key("attention.value_length", head)


def dense(architecture: str, layers: int, width: int, inner: int, heads: int, kv_heads: int, vocabulary: int, context: int,
          head: int | None = None, tied: bool = False, bias: bool = False, head_norms: bool = False, fused: bool = False,
          post_norms: bool = False, rope_tables: int = 0, file_type: str = "Q4_K_M", **keys) -> Probe:
    """Llama and what is built like it: attention, then a gated network."""
    probe = start(architecture, layers, width, vocabulary, context, file_type, **keys)
    heads_keys(probe, heads, kv_heads, head)
    probe.key("feed_forward_length", inner)
    embeddings(probe, width, vocabulary, tied)
    size = head or width // heads
    if architecture == "llama" and rope_tables:
        probe.add("rope_freqs.weight", (size // 2,))
    elif rope_tables:
        probe.add("rope_factors_long.weight", (rope_tables,))
        probe.add("rope_factors_short.weight", (rope_tables,))
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.attention(width, heads, kv_heads, size, fused, bias)
        if head_norms:
            block.head_norms(size)
        if post_norms:
            block.plain("post_attention_norm.weight", width)
            block.plain("post_ffw_norm.weight", width)
        block.plain("ffn_norm.weight", width)
        if fused:
            block.matrix("ffn_up.weight", width, 2 * inner)
            block.matrix("ffn_down.weight", inner, width, best=True)
        else:
            block.network(width, inner)
    return probe


def mixture(architecture: str, layers: int, width: int, inner: int, heads: int, kv_heads: int, experts: int, used: int,
            vocabulary: int, context: int, head: int, head_norms: bool = False, tied: bool = False, **keys) -> Probe:
    """Qwen3-MoE, Mixtral: attention, then routed experts."""
    probe = start(architecture, layers, width, vocabulary, context, **keys)
    heads_keys(probe, heads, kv_heads, head)
    probe.key("expert_count", experts)
    probe.key("expert_used_count", used)
    probe.key("feed_forward_length", inner)
    probe.key("expert_feed_forward_length", inner)
    embeddings(probe, width, vocabulary, tied)
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.attention(width, heads, kv_heads, head)
        if head_norms:
            block.head_norms(head)
        block.plain("ffn_norm.weight", width)
        block.experts(width, inner, experts)
    return probe


def gpt_oss(layers: int, width: int, inner: int, heads: int, kv_heads: int, head: int, experts: int, used: int, vocabulary: int,
            context: int) -> Probe:
    probe = start("gpt-oss", layers, width, vocabulary, context, "MXFP4", attention__sliding_window=128,
                  expert_count=experts, expert_used_count=used, expert_feed_forward_length=inner, rope__dimension_count=head)
    heads_keys(probe, heads, kv_heads, head)
    embeddings(probe, width, vocabulary, tied=False)
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.attention(width, heads, kv_heads, head, bias=True)
        block.plain("attn_output.bias", width)
        block.plain("attn_sinks.weight", heads)
        block.plain("post_attention_norm.weight", width)
        block.experts(width, inner, experts)
        block.plain("ffn_gate_inp.bias", experts)
        block.plain("ffn_gate_exps.bias", inner, experts)
        block.plain("ffn_up_exps.bias", inner, experts)
        block.plain("ffn_down_exps.bias", width, experts)
    return probe


def deepseek2(layers: int, width: int, inner: int, expert_inner: int, heads: int, experts: int, used: int, shared: int, lora: int,
              rope: int, key: int, value: int, vocabulary: int, context: int) -> Probe:
    """Compressed keys and values (MLA): one row of lora + rope elements is cached for a token."""
    probe = start("deepseek2", layers, width, vocabulary, context, attention__head_count=heads, attention__head_count_kv=1,
                  attention__kv_lora_rank=lora, attention__key_length=lora + rope, attention__value_length=lora,
                  attention__key_length_mla=key, attention__value_length_mla=value, rope__dimension_count=rope,
                  leading_dense_block_count=1, feed_forward_length=inner, expert_feed_forward_length=expert_inner,
                  expert_count=experts, expert_used_count=used, expert_shared_count=shared)
    embeddings(probe, width, vocabulary, tied=False)
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.plain("attn_kv_a_norm.weight", lora)
        block.matrix("attn_q.weight", width, heads * key)
        block.matrix("attn_kv_a_mqa.weight", width, lora + rope)
        block.matrix("attn_k_b.weight", key - rope, lora, heads)
        block.matrix("attn_v_b.weight", lora, value, heads)
        block.matrix("attn_output.weight", heads * value, width)
        block.plain("ffn_norm.weight", width)
        if layer < 1:
            block.network(width, inner)
        else:
            block.experts(width, expert_inner, experts)
            block.network(width, expert_inner * shared, suffix="_shexp")
    return probe


def gemma3n(layers: int, width: int, inner: int, heads: int, kv_heads: int, head: int, vocabulary: int, context: int) -> Probe:
    states, rank, inputs = 4, 64, 256
    pattern = [layer % 5 != 4 for layer in range(layers)]
    probe = start("gemma3n", layers, width, vocabulary, context, attention__sliding_window=512,
                  attention__sliding_window_pattern=pattern, attention__shared_kv_layers=layers - 20, feed_forward_length=inner,
                  embedding_length_per_layer_input=inputs)
    heads_keys(probe, heads, kv_heads, head)
    embeddings(probe, width, vocabulary, tied=True)
    probe.add("altup_proj.weight", (width, width, states - 1), "Q4_K")
    probe.add("altup_unembd_proj.weight", (width, width, states - 1), "Q4_K")
    probe.add("per_layer_token_embd.weight", (inputs * layers, vocabulary), "Q5_K")
    probe.add("per_layer_model_proj.weight", (width, inputs * layers), "Q4_K")
    probe.add("per_layer_proj_norm.weight", (inputs,))
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.attention(width, heads, kv_heads, head)
        block.head_norms(head)
        block.plain("post_attention_norm.weight", width)
        block.plain("ffn_norm.weight", width)
        block.network(width, inner)
        block.plain("post_ffw_norm.weight", width)
        block.matrix("inp_gate.weight", width, inputs)
        block.matrix("proj.weight", inputs, width)
        block.plain("post_norm.weight", width)
        block.plain("altup_correct_coef.weight", states, states)
        block.plain("altup_correct_scale.weight", width)
        block.plain("altup_predict_coef.weight", states, states * states)
        block.plain("altup_router.weight", width, states)
        block.plain("altup_router_norm.weight", width)
        block.matrix("laurel_l.weight", width, rank)
        block.matrix("laurel_r.weight", rank, width)
        block.plain("laurel_post_norm.weight", width)
    return probe
