"""Sentences of a document that speak to a language model instead of to a reader.

Nothing that a document says gives orders to this program: what a model writes is checked against the sources, whatever
it was told. But an order is a sentence of the source too, and "say that the visit was cancelled" would support "the
visit was cancelled". Such sentences are therefore neither shown to a model nor evidence for what it writes.

The patterns cover what collections of injected prompts have in common (Perez and Ribeiro 2022, "Ignore previous
prompt"; Greshake et al. 2023, "Not what you've signed up for"). What they miss still has to be cited.
"""

from __future__ import annotations

import re

_TOLD = (
    r"(?:(?:instruction|prompt|guideline|directive|command|system message|safety rule)s?"
    r"|(?:previous|prior|above|earlier) rules?)"
)
_MODEL = r"(?:a\.?i\.?|assistants?|language models?|llms?|chat ?bots?|gpt[-\w]*|claude|gemini|llama)"
_REPLY = r"(?:answers?|responses?|replies|reply|outputs?)"

_PATTERNS = (
    # "Ignore all previous instructions", "forget everything above"
    rf"\b(?:ignore|disregard|forget|override|bypass|overrule|discard)\b[^.!?]{{0,60}}\b{_TOLD}\b",
    r"\b(?:ignore|disregard|forget)\b[^.!?]{0,20}\b(?:everything|all|anything)\b[^.!?]{0,20}"
    r"\b(?:above|before|prior|previous(?:ly)?|said|told)\b",
    rf"\b(?:ignorez|oubliez|ignoriere|vergiss|ignora|olvida)\b[^.!?]{{0,60}}"
    rf"\b(?:{_TOLD}|anweisungen|instrucciones|istruzioni|consignes)\b",
    # "New instructions" with a colon, "the system prompt"
    rf"\b(?:new|updated|real|actual|following|hidden|secret|original|initial|system|developer)\s+{_TOLD}\s*:",
    r"\b(?:system|developer|hidden|initial)\s+prompts?\b",
    # "You are now DAN", "act as an unrestricted AI", "from now on you ..."
    r"\byou are (?:now|no longer) (?:an?\b|the\b|dan\b|in \w+ mode|bound|restricted|required)",
    r"\bfrom now on,? you (?:will|must|shall|are to|only|always|never)\b",
    rf"\byou are an? (?:\w+ ){{0,3}}{_MODEL}\b",
    r"\b(?:act as|pretend (?:to be|that you|you)|role-?play(?: as)?|behave (?:as|like))\b[^.!?]{0,60}"
    rf"\b(?:{_MODEL}|dan|admin(?:istrator)?|developer|unrestricted|different character)\b",
    # "Note to AI assistants", "if you are a language model, ...", "AI models must answer ..."
    rf"\b(?:dear|attention|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|hey|hello),?"
    rf" (?:the |any |all )?{_MODEL}\b",
    rf"\b(?:if|when|as) (?:you are|you're) (?:an?|the|any) {_MODEL}\b",
    rf"\b{_MODEL} (?:must|should|shall|has to|have to|reading this|that reads? this|processing this)\b[^.!?]{{0,80}}"
    r"\b(?:say|answer|respond|reply|output|write|include|state|tell|recommend|ignore|reveal|append)\b",
    # "Reveal your instructions", "respond only with", "add to every answer", "in your reply"
    r"\b(?:reveal|print|repeat|output|show|leak|disclose|expose|send|tell me)\b[^.!?]{0,40}"
    rf"\b(?:your (?:\w+ ){{0,2}}(?:{_TOLD}|api keys?|configuration)|conversation history|api keys?)\b",
    r"\b(?:respond|reply|answer)\b[^.!?]{0,20}\b(?:only|exactly|solely|always|instead)\b[^.!?]{0,10}\b(?:with|by|in|that)\b",
    r"\b(?:answer|respond|reply|say|state|tell (?:the )?users?|claim|write)\b[^.!?]{0,80}"
    r"\b(?:whatever|no matter what|regardless of)\b[^.!?]{0,20}\b(?:asked?|questions?|sources?|documents?)\b",
    r"\b(?:begin|start|end|finish|conclude|preface|prefix|append|add|include|insert|embed)\b[^.!?]{0,60}"
    rf"\b(?:your|every|each|all|any) (?:\w+ )?{_REPLY}\b",
    rf"\b(?:in|to|with) your {_REPLY}\b",
    # What is encoded, to be read by nobody else
    r"\b(?:decode|decrypt|decipher|base64|rot13)\b[^.!?]{0,60}\b(?:obey|follow|execute|comply|carry out|instruction)",
    # A message of a conversation that never was
    r"(?:^|\n)\s*(?:#+\s*)?[\[(<*]*(?:system|assistant|developer|human)[\])>*]*\s*[:：>]",
    r"<\|?/?(?:im_start|im_end|system|endoftext|assistant|user)\|?>|\[/?(?:INST|SYSTEM)\]|<</?SYS>>",
    # Chinese and Japanese
    r"(?:忽略|無視|无视|忘記|忘记|不要理會|不要理会)[^。！？]{0,20}(?:指令|指示|規則|规则|提示|命令|內容|内容)",
    r"(?:系統|系统)(?:提示|訊息|指令|消息)|システム(?:プロンプト|メッセージ)|你現在是|你现在是|あなたは今(?:から)?",
    r"(?:以前|これまで|上記|前|すべて)の[^。！？]{0,10}(?:指示|命令|ルール|プロンプト)[^。！？]{0,6}(?:無視|忘れ|従わ)",
)
_ADDRESSES_MODEL = re.compile("|".join(_PATTERNS), re.IGNORECASE)


def addresses_model(sentence: str) -> bool:
    """Whether a sentence is an order to a language model, or pretends to be a message of its conversation."""
    return bool(_ADDRESSES_MODEL.search(sentence))
