"""Tiny randomly drawn models of many architectures, for the table in docs/models.md.

    folder = write(tiny_folder, target, "qwen3_5_text")

Weights are drawn wide (standard deviation .2), so that what a text sees shows in its logits.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

VOCABULARY = 408  # eight more than the tokenizer has
SMALL = {
    # the names that architectures have for the same things
    "hidden_size": 32,
    "n_embd": 32,
    "d_model": 32,
    "intermediate_size": 64,
    "n_inner": 64,
    "ffn_dim": 64,
    "num_hidden_layers": 2,
    "n_layer": 2,
    "n_layers": 2,
    "num_layers": 2,
    "num_attention_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "num_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "n_positions": 512,
    "max_seq_len": 512,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "expert_hidden_size": 32,
    "initializer_range": 0.2,
    "init_std": 0.2,
}
"""Sizes, given to those settings that an architecture has."""

LINEAR = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
LATENT = {
    "kv_lora_rank": 16,
    "q_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
    "num_key_value_heads": 4,
    "head_dim": 8,
}
MIXED = ["linear_attention", "full_attention"]
MAMBA2 = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
SLIDING = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"sliding_window": 6},
    "ministral": SLIDING,
    "mixtral": {},
    "qwen2": {},
    "qwen2_moe": {"shared_expert_intermediate_size": 16, "decoder_sparse_step": 1},
    "qwen3": {},
    "qwen3_moe": {"decoder_sparse_step": 1},
    "qwen3_next": {**LINEAR, "layer_types": MIXED, "shared_expert_intermediate_size": 16},
    "qwen3_5_text": {**LINEAR, "layer_types": MIXED},
    "qwen3_5_moe_text": {**LINEAR, "layer_types": MIXED, "shared_expert_intermediate_size": 16},
    "gemma": {},
    "gemma2": {**SLIDING, "attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0},
    "gemma3_text": SLIDING,
    "gemma4_text": {
        **SLIDING,
        "global_head_dim": 8,
        "hidden_size_per_layer_input": 8,
        "vocab_size_per_layer_input": VOCABULARY,
        "num_kv_shared_layers": 0,
    },
    "phi": {},
    "phi3": {},
    "phimoe": {},
    "smollm3": {},
    "olmo": {},
    "olmo2": {},
    "olmo3": SLIDING,
    "olmoe": {},
    "olmo_hybrid": {**LINEAR, "layer_types": MIXED},
    "stablelm": {},
    "starcoder2": {"sliding_window": 6},
    "granite": {"logits_scaling": 8.0},
    "granitemoe": {"logits_scaling": 4.0},
    "granitemoeshared": {"shared_intermediate_size": 16},
    "granitemoehybrid": {
        **MAMBA2,
        "layer_types": ["mamba", "attention"],
        "shared_intermediate_size": 16,
    },
    "cohere": {"logit_scale": 0.25},
    "cohere2": {"logit_scale": 0.25, **SLIDING},
    "llama4_text": {
        "attention_chunk_size": 6,
        "intermediate_size_mlp": 64,
        "layer_types": ["chunked_attention", "full_attention"],
        "no_rope_layers": [1, 0],
    },
    "gpt_oss": SLIDING,
    "deepseek_v2": {
        **LATENT,
        "first_k_dense_replace": 1,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
    },
    "deepseek_v3": {
        **LATENT,
        "first_k_dense_replace": 1,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
    },
    "glm": {},
    "glm4": {},
    "glm4_moe": {},
    "ernie4_5": {},
    "exaone4": SLIDING,
    "nemotron": {},
    "nemotron_h": {
        "layer_types": ["mamba", "attention"],
        "mamba_num_heads": 8,
        "mamba_head_dim": 8,
        "ssm_state_size": 8,
        "n_groups": 1,
    },
    "minimax": {"layer_types": MIXED},
    "seed_oss": {},
    "apertus": {},
    "arcee": {},
    "hunyuan_v1_dense": {},
    "gpt2": {},
    "gpt_bigcode": {},
    "gpt_neo": {
        "attention_types": [[["global", "local"], 1]],
        "attention_layers": ["global", "local"],
        "window_size": 6,
    },
    "gptj": {"rotary_dim": 4},
    "gpt_neox": {},
    "codegen": {"rotary_dim": 4},
    "bloom": {},
    "falcon": {},
    "mpt": {"expansion_ratio": 2},
    "opt": {"word_embed_proj_dim": 32},
    "xglm": {"attention_heads": 4},
    "biogpt": {},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "falcon_h1": {**MAMBA2, "mamba_d_ssm": 64},
    "falcon_mamba": {"state_size": 8},
    "mamba": {"state_size": 8},
    "mamba2": {"head_dim": 8, "num_heads": 8, "state_size": 8, "n_groups": 1},
    "bamba": {**MAMBA2, "attn_layer_indices": [1]},
    "jamba": {
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "mamba_d_state": 8,
        "use_mamba_kernels": False,
    },
    "zamba2": {
        "layers_block_type": ["mamba", "hybrid"],
        "mamba_headdim": 8,
        "n_mamba_heads": 8,
        "mamba_d_state": 8,
        "mamba_ngroups": 1,
        "num_mem_blocks": 1,
        "attention_head_dim": 16,
        "attention_hidden_size": 64,
        "adapter_rank": 4,
        "num_key_value_heads": 4,
        "hybrid_layer_ids": [1],
    },
    "recurrent_gemma": {
        "lru_width": 32,
        "block_types": ["recurrent", "attention"],
        "attention_window_size": 6,
    },
    "rwkv": {"attention_hidden_size": 32},
    "xlstm": {"qk_dim_factor": 0.5, "chunk_size": 16},
}
"""``model_type`` → settings besides the small sizes."""


def configuration(model_type: str, **ids: int) -> Any:
    """Return a tiny configuration of an architecture."""
    from transformers import AutoConfig

    known = set(dir(AutoConfig.for_model(model_type)))
    small = {k: v for k, v in SMALL.items() if k in known}
    if model_type == "falcon":
        small.pop("head_dim", None)  # derived there
    return AutoConfig.for_model(
        model_type, **{**small, **ids, "vocab_size": VOCABULARY, **ARCHITECTURES[model_type]}
    )


def write(tokenizer: Path, target: Path, model_type: str) -> Path:
    """Write a model folder: drawn weights beside the tokenizer of another folder."""
    import torch
    from transformers import AutoModelForCausalLM

    target.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tokenizer / name, target / name)
    torch.manual_seed(1)
    config = configuration(model_type, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    AutoModelForCausalLM.from_config(config).save_pretrained(target)
    return target
