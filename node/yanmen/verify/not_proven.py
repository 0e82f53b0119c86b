"""What no receipt proves, in both languages: every report ends with it."""

NOT_PROVEN: tuple[tuple[str, str], ...] = (
    (
        "That the data were true: a receipt says which version was used, not that it tells the truth.",
        "数据是否真实：回执只说明使用了哪个版本，不说明其内容属实。",
    ),
    (
        "That there were no uses outside the node: whoever holds the source files can read them elsewhere.",
        "节点之外是否另有使用：持有源文件者可在别处读取。",
    ),
    (
        "That the SQL that ran read only the columns it states, that a unit's influence is as stated, and that the "
        "noise was drawn as stated: the node promises it.",
        "实际运行的 SQL 是否仅读取所列字段，单体影响是否如所述，噪声是否确按所述抽取：此由节点承诺。",
    ),
    ("What the consumer did with the answer afterwards.", "使用方取得结果之后的行为。"),
    (
        "That everyone saw this same log: compare the checkpoint with those that others hold.",
        "所有人看到的是同一份日志：请与他人持有的检查点比对。",
    ),
)
"""What no receipt proves (DESIGN §6), printed beside what it does."""
