"""What each reason says to a person, in English and Chinese: constant sentences, no gRPC, no data."""

from typing import NamedTuple

from yanmen.model.refusal import Detail, Reason


class Text(NamedTuple):
    """One sentence in both languages."""

    en: str
    zh: str


TEXTS: dict[Reason, Text] = {
    Reason.IDENTITY_UNKNOWN: Text(
        "The certificate belongs to no member of this space.", "证书不属于本空间的任何成员。"
    ),
    Reason.IDENTITY_PENDING: Text("The member is enrolled but not yet active.", "该成员已登记，尚未生效。"),
    Reason.IDENTITY_REVOKED: Text("The member or its certificate was revoked.", "该成员或其证书已被撤销。"),
    Reason.MEMBER_SUSPENDED: Text("The holder serves this member no more for now.", "提供方已暂停向该成员提供服务。"),
    Reason.ROLE_NOT_ALLOWED: Text("The member's role may not do this.", "该成员的角色无权执行此操作。"),
    Reason.METHOD_NOT_LISTED: Text("The node offers no such call.", "本节点不提供该调用。"),
    Reason.COMMAND_NOT_OFFERED: Text("The node offers no such Flight SQL command.", "本节点不提供该 Flight SQL 命令。"),
    Reason.REQUEST_MALFORMED: Text("The request breaks a rule of its format.", "请求不符合格式要求。"),
    Reason.GRANT_MISSING: Text("No session grant came with the call.", "调用未附带会话授权。"),
    Reason.SIGNATURE_INVALID: Text(
        "The signature is not by the member's registered key.", "签名不是该成员登记密钥所签。"
    ),
    Reason.REQUEST_EXPIRED: Text(
        "The request is too old, or dated ahead of our clock.", "请求已过期，或签发时间超前。"
    ),
    Reason.REQUEST_REPLAYED: Text("This request was used before.", "该请求已被使用过。"),
    Reason.REQUEST_FOR_ANOTHER_NODE: Text("The request was signed for another node.", "该请求是签给另一节点的。"),
    Reason.SPEND_LIMIT: Text("It would cost more than the request agreed to spend.", "费用超出请求所同意的上限。"),
    Reason.RATE_LIMITED: Text("Too many calls at once; try again later.", "调用过于频繁，请稍后再试。"),
    Reason.ACKNOWLEDGEMENT_DUE: Text("An earlier answer is not acknowledged yet.", "此前的回答尚未确认回执。"),
    Reason.NOT_WITNESSED: Text(
        "No new question is taken until witnesses have seen the usage log.", "使用日志尚未被见证，暂不受理新的查询。"
    ),
    Reason.CONTRACT_UNKNOWN: Text("No such contract of this member.", "该成员没有此合约。"),
    Reason.CONTRACT_MALFORMED: Text("The contract offer breaks a rule of its format.", "合约要约不符合格式要求。"),
    Reason.CLAUSE_NOT_ENFORCEABLE: Text(
        "The contract says something that this node cannot enforce.", "合约中有本节点无法执行的条款。"
    ),
    Reason.OUTSIDE_TEMPLATE: Text("The contract is not within the template it names.", "合约超出其所依据的合约模板。"),
    Reason.NEGOTIATION_OUT_OF_TURN: Text("It is not this side's turn, or too late.", "协商未轮到该方，或已逾期。"),
    Reason.AMENDMENT_FORBIDDEN: Text("A contract cannot be amended like that.", "合约不能作此变更。"),
    Reason.CONTRACT_OFFERED: Text("The holder's counter-offer is not answered yet.", "提供方的反要约尚未答复。"),
    Reason.CONTRACT_UNSIGNED: Text("Not every side has signed this contract yet.", "该合约尚未经各方签署。"),
    Reason.CONTRACT_AMENDED: Text("The contract was amended meanwhile.", "合约刚刚变更。"),
    Reason.DELETION_NOT_PROVED: Text("This is no proof of deletion that counts.", "该删除证明不成立。"),
    Reason.CONTRACT_PENDING: Text("The holder has not decided on this contract yet.", "提供方尚未审批该合约。"),
    Reason.CONTRACT_DENIED: Text("The holder denied this contract.", "提供方未批准该合约。"),
    Reason.CONTRACT_NOT_YET_VALID: Text("The contract is not valid yet.", "合约尚未生效。"),
    Reason.CONTRACT_EXPIRED: Text("The contract has expired.", "合约已到期。"),
    Reason.CONTRACT_REVOKED: Text("This contract has been ended.", "该合约已被终止。"),
    Reason.CONTRACT_SUSPENDED: Text("The contract is suspended.", "合约已中止。"),
    Reason.CONTRACT_ALTERED: Text("The stored contract is not what was signed.", "所存合约与签署内容不一致。"),
    Reason.SCENARIO_MISMATCH: Text("The contract is for another scenario.", "合约约定的是另一场景。"),
    Reason.DATASET_NOT_IN_CONTRACT: Text("The contract does not open this dataset.", "合约未开放该数据集。"),
    Reason.COLUMN_NOT_IN_CONTRACT: Text("The contract does not open this column.", "合约未开放该字段。"),
    Reason.POLICY_FORBIDS: Text(
        "A clause of the contract or of the holder's policy forbids it.", "合约条款或提供方策略不允许。"
    ),
    Reason.QUOTA_SPENT: Text("The contract's number of questions is used up.", "合约约定的查询次数已用完。"),
    Reason.BUDGET_SPENT: Text("Not enough privacy budget is left.", "剩余隐私预算不足。"),
    Reason.FAILURE_CAP_REACHED: Text("Too many questions failed while running.", "运行失败的查询次数已达上限。"),
    Reason.PRICE_ABOVE_CEILING: Text("The price is above the product's ceiling.", "价格高于该产品的上限收费标准。"),
    Reason.DATASET_UNKNOWN: Text("No such dataset here.", "本节点没有该数据集。"),
    Reason.DATASET_RETRACTED: Text("The dataset was retracted.", "该数据集已撤回。"),
    Reason.DATASET_SUSPENDED: Text("The holder lets nobody use the dataset for now.", "提供方已暂停该数据集的使用。"),
    Reason.SPEC_INVALID: Text("The dataset's description breaks a rule.", "数据集说明不符合要求。"),
    Reason.SPEC_UNCONFIRMED: Text(
        "A person has to confirm what was derived from the data.", "由数据推得的内容须经人工确认。"
    ),
    Reason.SOURCE_MISMATCH: Text("The source does not fit the dataset's description.", "数据源与数据集说明不符。"),
    Reason.GRADE_CORE: Text("Core data is never published.", "核心数据一律不得发布。"),
    Reason.NOT_REVIEWED: Text(
        "This entry was not reviewed by its data authority.", "该目录尚未经本级数据主管部门审核。"
    ),
    Reason.NEGATIVE_LIST: Text("A negative list forbids it.", "负面清单禁止该事项。"),
    Reason.OPERATION_NOT_GRANTED: Text("No grant of operation in force covers it.", "没有有效的授权运营覆盖该事项。"),
    Reason.NOT_A_PRODUCT: Text("It is no instance of a product in the contract.", "该查询不是合约所列数据产品的实例。"),
    Reason.SUBJECT_SPACE_UNKNOWN: Text("The subject space is not configured on this node.", "本节点未配置该主体空间。"),
    Reason.SQL_TOO_LONG: Text("The question is too long.", "查询语句过长。"),
    Reason.SQL_MALFORMED: Text("The question is not valid SQL.", "查询语句不是有效的 SQL。"),
    Reason.NOT_ONE_SELECT: Text("Exactly one SELECT is answered.", "只接受一条 SELECT 语句。"),
    Reason.CLAUSE_NOT_ADMITTED: Text("This part of SQL is not admitted.", "不支持该 SQL 成分。"),
    Reason.FUNCTION_NOT_ADMITTED: Text("This function is not admitted.", "不支持该函数。"),
    Reason.UNKNOWN_TABLE: Text("No such table here.", "没有该表。"),
    Reason.UNKNOWN_COLUMN: Text("No such column.", "没有该字段。"),
    Reason.AMBIGUOUS_COLUMN: Text(
        "More than one table has this column; name the table.", "多个表含有该字段，请写明表名。"
    ),
    Reason.TYPE_MISMATCH: Text("The types do not fit together.", "数据类型不匹配。"),
    Reason.ROWS_WOULD_LEAVE: Text("Rows do not leave; only aggregates do.", "原始记录不出域，只能查询汇总结果。"),
    Reason.UNIT_NOT_ADMITTED_HERE: Text(
        "The column that names a person or enterprise may only be joined on or counted.",
        "标识个人或企业的字段只能用于关联和计数。",
    ),
    Reason.KEY_WITHOUT_DOMAIN: Text(
        "Grouping needs a column with a declared domain.", "分组字段须有已声明的取值范围。"
    ),
    Reason.MEASURE_WITHOUT_BOUNDS: Text("Summing needs a column with declared bounds.", "求和字段须有已声明的上下界。"),
    Reason.DIMENSION_NOT_DECLARED: Text(
        "Only declared dimensions may group or filter this dataset.", "该数据集只能按已声明的维度分组或筛选。"
    ),
    Reason.JOIN_NOT_ON_UNIT: Text("Tables join only on the unit column.", "表之间只能按主体标识字段关联。"),
    Reason.CROSS_NODE_JOIN: Text("Tables of two nodes cannot be joined here.", "不能在此关联两个节点的表。"),
    Reason.TOO_MANY_CELLS: Text("The answer would have too many cells.", "结果单元格过多。"),
    Reason.PLAN_CHANGED: Text("The engine would not run the question as planned.", "引擎的执行计划与核定计划不一致。"),
    Reason.OVERLAP_GUARD: Text("It differs too little from a question answered before.", "与已答复的查询过于接近。"),
    Reason.MANIFEST_INVALID: Text(
        "The manifest of this federated question, or what is called with it, does not hold.",
        "联邦查询清单或随附材料未通过核验。",
    ),
    Reason.SHAPE_MISMATCH: Text(
        "This node would not give the table the manifest describes.", "本节点不会给出清单所描述的表。"
    ),
    Reason.NOISE_TOO_SMALL: Text("The manifest promises too little noise.", "清单承诺的噪声不足。"),
    Reason.DEPOSIT_MISSING: Text("A party's share is not deposited here.", "有参与方的份额尚未存入。"),
    Reason.SET_FIXED: Text("The set of this federated question is fixed.", "该联邦查询的参与集合已经固定。"),
    Reason.JOB_UNKNOWN: Text("No such job of this member.", "该成员没有此任务。"),
    Reason.STATEMENT_UNKNOWN: Text("No such prepared statement of this member.", "该成员没有此预备语句。"),
    Reason.CANCELLED: Text("The job was stopped.", "任务已被停止。"),
    Reason.TERMINATED: Text("The holder ended the job while it ran.", "提供方已终止该任务的运行。"),
    Reason.NODE_FAILED: Text(
        "The node failed while it answered; its holder is told why.", "节点在回答时发生故障，原因已告知数源部门。"
    ),
    Reason.RUN_FAILED: Text("The question failed while running.", "查询运行失败。"),
    Reason.SHUTTING_DOWN: Text("The node is stopping; ask again later.", "节点正在停止，请稍后再试。"),
    Reason.DISCONNECTED: Text("The holder disconnected the node.", "提供方已断开该节点的网络服务。"),
}
"""The text of every reason; the test of this table asserts that none is missing."""


NEXT: dict[Reason, Text] = {
    Reason.IDENTITY_UNKNOWN: Text("Have the space admit you (yanmen member enrol).", "请向空间运营者登记入网。"),
    Reason.ROLE_NOT_ALLOWED: Text("Ask the space for the role that may.", "请由具备相应角色的成员操作。"),
    Reason.METHOD_NOT_LISTED: Text("See protos/ for the calls there are.", "可用调用见 protos/。"),
    Reason.REQUEST_MALFORMED: Text(
        "What is wrong with it is named beside; docs/FORMATS.md has the rules.",
        "错误之处已注明；规则见 docs/FORMATS.md。",
    ),
    Reason.SIGNATURE_INVALID: Text("Sign with the key that the register has.", "请使用登记的密钥签名。"),
    Reason.REQUEST_REPLAYED: Text(
        "Sign a new one; fetch the answer by its job id.", "请重新签署；已有答复请凭任务号获取。"
    ),
    Reason.RATE_LIMITED: Text("A minute later it will do.", "一分钟后即可。"),
    Reason.NOT_WITNESSED: Text("Ask again once they have.", "待见证恢复后再问。"),
    Reason.CONTRACT_UNKNOWN: Text("See your own: yanmen contract list.", "请查看本人的合约：yanmen contract list。"),
    Reason.CONTRACT_MALFORMED: Text("Write it as docs/FORMATS.md says.", "请按 docs/FORMATS.md 书写。"),
    Reason.OUTSIDE_TEMPLATE: Text(
        "Read it: yanmen contract template list --as ME --at NODE.", "请查看模板：yanmen contract template list。"
    ),
    Reason.NEGOTIATION_OUT_OF_TURN: Text(
        "See how it stands: yanmen contract show.", "请查看协商状态：yanmen contract show。"
    ),
    Reason.AMENDMENT_FORBIDDEN: Text("Offer a contract of its own.", "请另行提出合约。"),
    Reason.CONTRACT_OFFERED: Text("Answer it: yanmen contract answer.", "请答复：yanmen contract answer。"),
    Reason.CONTRACT_UNSIGNED: Text(
        "Whoever has not signed signs it: yanmen contract show.", "请尚未签署的一方签署：yanmen contract show。"
    ),
    Reason.CONTRACT_AMENDED: Text("Ask again, under the new version.", "请按新版本重新提问。"),
    Reason.DELETION_NOT_PROVED: Text(
        "Prove it once, when the contract is over: yanmen contract prove-deletion.",
        "合约终止后提交一次：yanmen contract prove-deletion。",
    ),
    Reason.CONTRACT_PENDING: Text("Remind the department.", "请联系数据提供方审批。"),
    Reason.CONTRACT_DENIED: Text("Offer other terms.", "请另行提出合约。"),
    Reason.CONTRACT_NOT_YET_VALID: Text("Ask once it has begun.", "请待其生效后再查询。"),
    Reason.CONTRACT_EXPIRED: Text("Offer a new one.", "请重新申请。"),
    Reason.CONTRACT_REVOKED: Text("Ask for its reasons, or offer a new one.", "请联系数据提供方了解原因，或另行申请。"),
    Reason.CONTRACT_SUSPENDED: Text("Ask its holder for the reasons.", "请联系数据提供方了解原因。"),
    Reason.CONTRACT_ALTERED: Text("Tell the holder; offer a new one.", "请告知提供方，并重新申请。"),
    Reason.DATASET_UNKNOWN: Text("See the catalogue: yanmen dataset list.", "请查看目录：yanmen dataset list。"),
    Reason.DATASET_SUSPENDED: Text("Ask its holder when it can be used again.", "请向提供方了解何时恢复使用。"),
    Reason.DATASET_RETRACTED: Text("See the catalogue for what its holder offers now.", "请在目录中查看现有的数据集。"),
    Reason.SPEC_INVALID: Text("Write it as docs/FORMATS.md says.", "请按 docs/FORMATS.md 书写。"),
    Reason.GRADE_CORE: Text("Publish other data.", "请改为发布其他数据。"),
    Reason.NOT_REVIEWED: Text("Have it reviewed first.", "请先送审。"),
    Reason.NEGATIVE_LIST: Text("Leave out what the list names.", "请去除清单所列内容。"),
    Reason.OPERATION_NOT_GRANTED: Text("Ask the operator.", "请联系运营机构。"),
    Reason.NOT_A_PRODUCT: Text(
        "Ask the product's own text with values it admits.", "请按产品模板原文代入允许的参数值。"
    ),
    Reason.SUBJECT_SPACE_UNKNOWN: Text(
        "Its holder has to configure it in node.toml.", "须由提供方在 node.toml 中配置。"
    ),
    Reason.MANIFEST_INVALID: Text("Make a new one: yanmen federate.", "请重新生成：yanmen federate。"),
    Reason.STATEMENT_UNKNOWN: Text("Prepare it again.", "请重新预备。"),
    Reason.JOB_UNKNOWN: Text(
        "Ask anew; answers are kept as the contract says.", "请重新提问；答复按合约约定期限保存。"
    ),
    Reason.CANCELLED: Text("Ask again if you still want it.", "如仍需要请重新提问。"),
    Reason.TERMINATED: Text("Ask the holder why; it is in the receipt.", "原因见回执，请联系提供方。"),
    Reason.MEMBER_SUSPENDED: Text("Ask the holder to resume you.", "请联系提供方恢复服务。"),
    Reason.DISCONNECTED: Text("Ask again once it is connected.", "待节点恢复连接后再试。"),
    Reason.RUN_FAILED: Text("Ask for less at once; what failed is not told.", "请缩小查询范围；失败原因不予告知。"),
    Reason.NODE_FAILED: Text("Ask again later.", "请稍后再试。"),
    Reason.SHUTTING_DOWN: Text("It is back in a moment.", "节点将很快恢复。"),
}
"""The next step where the detail of a refusal names none; a test holds that every refusal has one of both."""


def localised(reason: Reason, detail: Detail) -> Text:
    """Return the sentence for `reason` followed by the next step, the hint of `detail` or the reason's own."""
    text, after = TEXTS[reason], NEXT.get(reason, Text("", ""))
    english, chinese = detail.hint_en or after.en, detail.hint_zh or after.zh
    return Text(en=f"{text.en} {english}".rstrip(), zh=f"{text.zh}{chinese}")
