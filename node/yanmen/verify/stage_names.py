"""What stages are called in Chinese, where a finding names the leaf it is about."""

from yanmen.model.receipt import Stage

STAGES_ZH: dict[Stage, str] = {
    Stage.GENESIS: "创世",
    Stage.KEY: "密钥",
    Stage.MEMBER: "成员",
    Stage.DATASET: "数据集",
    Stage.CONTRACT: "合约",
    Stage.APPROVAL: "审批",
    Stage.EXPLAINED: "解释",
    Stage.INTENT: "意图",
    Stage.OUTCOME: "结果",
    Stage.REFUSED: "拒绝",
    Stage.ABORTED: "中止",
    Stage.ACKNOWLEDGED: "确认",
    Stage.OBJECTION: "异议",
    Stage.INCIDENT: "事件",
    Stage.ERASURE: "销毁",
    Stage.STATEMENT: "账单",
    Stage.INSPECTION: "检查",
    Stage.DOCUMENT: "文书",
    Stage.CONTROL: "控制",
}
