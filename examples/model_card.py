"""The usage of Nemotron-Mini's model card on transformers 5, with whichever model is here.

    python -m examples.model_card [MODEL]

Shows what a reply looks like without this engine, in the two ways the card describes. Three lines
of the card need a change on transformers 5, marked below.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
from transformers.modeling_utils import PreTrainedModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from npc_engine.model import get_model
from npc_engine.model.chat_format import NEMOTRON_TEMPLATE
from npc_engine.model.loading import default_threads
from npc_engine.model.tokenizer import ChatTokenizer

MESSAGES = [
    {"role": "system", "content": "You are Mira, the blunt blacksmith of Oakhollow."},
    {"role": "user", "content": "Can you sharpen this sword?"},
]


def load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[int]]:
    """Model, tokenizer, and the ids that end a reply."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    ours = ChatTokenizer.from_folder(folder)
    if ours.family == "nemotron":
        tokenizer.chat_template = NEMOTRON_TEMPLATE
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = 0  # Changed: the card's tokenizer names no padding token.
    return model, tokenizer, sorted(ours.end_ids)


def by_generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, end_ids: list[int]
) -> str:
    """The first way: apply the template, generate, decode what is new."""
    inputs = tokenizer.apply_chat_template(
        MESSAGES, tokenize=True, add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    outputs = model.generate(
        **inputs,  # Changed: the template gives a dictionary now.
        max_new_tokens=48,
        do_sample=False,
        eos_token_id=end_ids,  # Changed: turn markers end a reply too.
        pad_token_id=tokenizer.pad_token_id,
    )
    new_ids = outputs[0, inputs["input_ids"].shape[1] :]
    return str(tokenizer.decode([i for i in new_ids.tolist() if i not in end_ids])).strip()


def by_pipeline(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, end_ids: list[int]
) -> str:
    """The second way: a pipeline whose tokenizer is assigned by hand."""
    pipe = pipeline("text-generation", model=model, tokenizer=tokenizer)
    pipe.tokenizer = tokenizer
    (answer,) = pipe(
        MESSAGES,
        return_full_text=False,
        max_new_tokens=48,
        do_sample=False,
        eos_token_id=end_ids,
        pad_token_id=tokenizer.pad_token_id,
    )
    text = str(answer["generated_text"])
    for token in tokenizer.convert_ids_to_tokens(end_ids):
        text = text.removesuffix(token)
    return text.strip()


def main(name: str = "auto") -> tuple[str, str]:
    """Fetch the model if need be, and answer both ways."""
    torch.set_num_threads(default_threads())
    folder = Path(get_model(name).path)
    model, tokenizer, end_ids = load(folder)
    replies = by_generate(model, tokenizer, end_ids), by_pipeline(model, tokenizer, end_ids)
    for way, reply in zip(("generate", "pipeline"), replies, strict=True):
        print(f"{way}: {reply}")
    return replies


if __name__ == "__main__":
    main(*sys.argv[1:2])
