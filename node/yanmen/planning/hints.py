"""What would be accepted instead, in the two languages a caller may read."""

from yanmen.planning.places import Hint

MALFORMED = Hint(
    "DuckDB 2.0 stops reading here: write what it reads, a SELECT of the clauses in docs/SQL.md.",
    "DuckDB 2.0 无法从此处继续解析：请改为 docs/SQL.md 所列成分组成的 SELECT。",
)
NOT_TEXT = Hint("Send Unicode text without NUL characters.", "请提交不含 NUL 字符的 Unicode 文本。")
TOO_LONG = Hint("Shorten the question: 16 KiB of text is the most.", "请缩短查询：文本最多 16 KiB。")
TOO_DEEP = Hint("Nest expressions less deeply or split the question.", "请减少表达式嵌套层数，或拆分查询。")
TEXT_LENGTH = Hint(
    "Texts made in a question have at most 4096 characters, whatever the data: a column counts as the longest of its "
    "domain, without a domain as 1000, one of grouped open data as 4096. Cut the parts, for example left(x, 100).",
    "查询中生成的文本不论数据如何至多 4096 个字符：有取值域的列按其最长值计，无取值域的列按 1000 计，"
    "分组后的开放数据列按 4096 计。请先截短，如 left(x, 100)。",
)
TEXT_SHOWN_LENGTH = Hint(
    "Texts made of released cells have at most 65536 characters, a column counting as 4096 unless it is cut: cut the "
    "parts, for example left(x, 100).",
    "由已输出单元格拼成的文本至多 65536 个字符，未截短的列按 4096 计：请先截短，如 left(x, 100)。",
)
ONE_SELECT = Hint(
    "Ask one SELECT: several are sent one at a time, and nothing that changes or sets anything is answered.",
    "请提交一条 SELECT：多条语句请逐条提交；修改或设置类语句不予执行。",
)
CLAUSE = Hint(
    "Only SELECT, FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET are admitted (docs/SQL.md).",
    "仅支持 SELECT、FROM、JOIN、WHERE、GROUP BY、HAVING、ORDER BY、LIMIT、OFFSET（见 docs/SQL.md）。",
)
UNION_ALL = Hint(
    "Write UNION ALL between queries with equal columns; other set operations are not admitted.",
    "查询之间请用列一致的 UNION ALL；不支持其他集合运算。",
)
NO_RECURSION = Hint("Write CTEs that do not refer to themselves.", "CTE 不能引用自身。")
SUBQUERY = Hint(
    "Admitted: subqueries in FROM, IN (SELECT …), EXISTS and scalar subqueries over open data, or about the same unit.",
    "支持 FROM 子查询，以及针对开放数据或同一个体的 IN (SELECT …)、EXISTS 与标量子查询。",
)
WINDOW = Hint(
    "Windows run on released figures: rank, row_number, dense_rank, lag, lead, sum, avg, min, max, count and so on.",
    "窗口函数仅作用于已输出的统计值：rank、row_number、dense_rank、lag、lead、sum、avg、min、max、count 等。",
)
WINDOW_ROWS = Hint(
    "Window functions run on released figures: put them into the select list of a grouped query or around it.",
    "窗口函数只能作用于已输出的统计值：请放在分组查询的 SELECT 列表中，或放在其外层查询中。",
)
GROUPING = Hint(
    "GROUPING belongs into the select list, HAVING or ORDER BY of ROLLUP, CUBE or GROUPING SETS.",
    "GROUPING 只能用于 ROLLUP、CUBE 或 GROUPING SETS 查询的 SELECT 列表、HAVING 或 ORDER BY。",
)
DISTINCT_ROWS = Hint(
    "SELECT DISTINCT over rows is for open data; count units with COUNT(DISTINCT unit), or group by the unit.",
    "行级 SELECT DISTINCT 仅限开放数据；请用 COUNT(DISTINCT 个体列) 计数，或按个体列分组。",
)
LIMIT_ROWS = Hint(
    "LIMIT picks rows: put it after the figures, at the end of the question.",
    "LIMIT 会挑选行：请放在统计结果之后，即查询末尾。",
)
UNION_PARTS = Hint(
    "UNION ALL takes queries with the same number of columns, of the same types, about the same units.",
    "UNION ALL 各部分须列数相同、类型一致，且针对同一类个体。",
)
COLUMN_ALIASES = Hint("Give at most as many names as the query has columns.", "列别名不能多于查询的列数。")
UNIT_GROUPS = Hint(
    "A query grouped by the unit takes COUNT, SUM, AVG, MIN and MAX of columns, and plain GROUP BY.",
    "按个体列分组的子查询可用 COUNT、SUM、AVG、MIN、MAX 与普通 GROUP BY。",
)
RELEASED_WITH_ROWS = Hint(
    "A query of released figures cannot be joined to rows or filter them: group it by the unit, or ask in two steps.",
    "已输出统计值的子查询不能与行关联或用于筛选行：请按个体列分组，或分两步提问。",
)
EXACT_DIRECT = Hint(
    "Ask exact data directly: SELECT over one table with GROUP BY; no queries over its rows, no figures of two tables.",
    "精确统计请直接对一个表提 SELECT 与 GROUP BY；不支持对其行的子查询，也不支持合并两个表的统计值。",
)
QUALIFY = Hint(
    "QUALIFY filters by a window function over released figures; use HAVING for the rest.",
    "QUALIFY 用于按窗口函数筛选已输出的统计值；其余请用 HAVING。",
)
UNION_ORDER = Hint(
    "Order UNION ALL by the name or number of a column of its first query.", "UNION ALL 请按首个查询的列名或序号排序。"
)
ONE_VALUE = Hint("A scalar subquery and IN take a query with one column.", "标量子查询与 IN 的子查询只能有一列。")
IN_COLUMN = Hint("Put a plain column in front of IN (SELECT …).", "IN (SELECT …) 之前须为列名。")
CORRELATION = Hint(
    "Tie a subquery to the query around it only by equalities of columns, joined by AND.",
    "子查询与外层之间只能用列等值条件，并以 AND 连接。",
)
FRAME = Hint(
    "Frames are ROWS with literal distances up to 9999, or the default.",
    "窗口范围仅支持 ROWS 加字面量行数（至多 9999）或缺省范围。",
)
FILTER = Hint("FILTER belongs to an aggregate such as COUNT or SUM.", "FILTER 只能用于 COUNT、SUM 等聚合函数。")
INTERVAL = Hint(
    "Write whole days, weeks, months, quarters or years, for example INTERVAL 3 MONTH.",
    "INTERVAL 只能写整数个日、周、月、季度或年，例如 INTERVAL 3 MONTH。",
)
CALENDAR_PART = Hint(
    "Write the part as a literal: day, week, month, quarter or year; EXTRACT also takes dow, isodow and doy.",
    "时间单位必须是字面量：day、week、month、quarter、year；EXTRACT 另可用 dow、isodow、doy。",
)
LITERAL_LENGTH = Hint(
    "Positions and lengths of text must be literals from 1 to 1000.", "文本的位置与长度必须是 1 到 1000 的字面量。"
)
LITERAL_TEXT = Hint("Write the text to look for as a literal.", "要查找的文本必须是字面量。")
WHOLE_DIVISOR = Hint(
    "Within rows divide whole numbers by a literal whole number from 1.",
    "行内整除与取余的除数必须是从 1 开始的整数字面量。",
)
DATE_SHIFT = Hint(
    "Add to a date, or subtract from it, a literal number of days or an INTERVAL of up to 100,000 days.",
    "日期只能加减字面量天数或 INTERVAL，最多 100000 天。",
)
RELEASED_ONLY = Hint(
    "This function is admitted on released figures only, not within rows: put it around COUNT, SUM or AVG.",
    "该函数只能用于已输出的统计值，不能用于行内：请写在 COUNT、SUM、AVG 之外。",
)
NO_AGGREGATE_VARIANT = Hint(
    "Write the aggregate plainly, without ORDER BY, EXPORT_STATE or argument names.",
    "聚合函数内不能使用 ORDER BY、EXPORT_STATE 或具名参数。",
)
NO_DISTINCT = Hint(
    "DISTINCT is admitted only as COUNT(DISTINCT unit) and, on open data, SELECT DISTINCT.",
    "DISTINCT 仅可用于 COUNT(DISTINCT 个体列)，以及开放数据的 SELECT DISTINCT。",
)
NO_PARAMETERS = Hint("Write the value itself; parameters are not admitted.", "请直接写出数值；不支持参数占位符。")
FUNCTION = Hint(
    "Admitted are count, sum, avg, median, stddev, round, abs, coalesce, date_trunc, year, month and those that"
    " docs/SQL.md lists.",
    "可用函数有 count、sum、avg、median、stddev、round、abs、coalesce、date_trunc、year、month 等，"
    "全部列于 docs/SQL.md。",
)
EXTREMES = Hint(
    "min and max show one row's value; use them on open data, on released figures, or per unit in a query grouped by "
    "the unit.",
    "min 与 max 会暴露某一行的值：可用于开放数据、已输出的统计值，或按个体列分组的子查询。",
)
ARGUMENTS = Hint(
    "This function takes another number or kind of arguments: write them as in the table of docs/SQL.md.",
    "该函数的参数个数或种类不符：请按 docs/SQL.md 函数表书写。",
)
QUANTILE = Hint(
    "Quantiles are of personal data and of bins: median(floor(x / 10) * 10) of a measure with declared bounds.",
    "分位数仅用于个人数据，且只能取自分箱：median(floor(x / 10) * 10)，指标须声明上下限。",
)
QUANTILE_SETS = Hint(
    "Ask for quantiles with a plain GROUP BY, one question for each grouping.",
    "分位数只能与普通 GROUP BY 一起使用；每种分组请单独提问。",
)
QUANTILE_SHARE = Hint(
    "Write the share as a literal between 0 and 1 with at most 6 places.",
    "分位比例须为 0 与 1 之间的字面量，最多 6 位小数。",
)
LITERAL_PATTERN = Hint("LIKE takes a pattern written as a literal.", "LIKE 的模式必须是字面量。")
LITERAL_PLACES = Hint(
    "round takes the number of places as a literal from -18 to 18.", "round 的位数必须是 -18 到 18 的字面量。"
)
LITERAL = Hint(
    "Numbers have at most 18 digits before and 18 after the point, texts at most 1000 characters.",
    "数字小数点前后各最多 18 位，文本最多 1000 个字符。",
)
LITERAL_COUNT = Hint("LIMIT and OFFSET take whole numbers written out.", "LIMIT 与 OFFSET 必须是整数字面量。")
TYPE = Hint("Compare and combine values of one type; CAST where you mean it.", "请使用同一类型的值；必要时显式 CAST。")
CAST_TARGET = Hint(
    "Cast to INTEGER, BIGINT, DECIMAL(p,s), VARCHAR, BOOLEAN or DATE.",
    "可转换为 INTEGER、BIGINT、DECIMAL(p,s)、VARCHAR、BOOLEAN 或 DATE。",
)
DATE_LITERAL = Hint("Write dates as DATE 'YYYY-MM-DD'.", "日期请写作 DATE 'YYYY-MM-DD'。")
ROW_DIVISION = Hint(
    "Divide after aggregating, for example SUM(a) / SUM(b); within rows only by a literal such as 2, 5 or 100. "
    "Whole numbers take any literal from 1 with //: day // 7 is accepted.",
    "请在聚合之后相除，例如 SUM(a) / SUM(b)；行内只能除以 2、5、100 这类字面量。"
    "整数可用 // 整除从 1 起的任意字面量：可写 day // 7。",
)
TABLE = Hint("See the catalogue for the tables of this contract.", "请在目录中查看本合约包含的数据集。")
TABLE_TWICE = Hint("Give each table its own alias.", "请为每个表指定不同的别名。")
ELSEWHERE = Hint(
    "This table is held by another node; ask that node under a contract with it.",
    "该数据集在另一节点；请依据与该节点的合约向其提问。",
)
CROSS_NODE = Hint(
    "Ask each node its own part, or all of them at once: yanmen join.",
    "请分别向各节点提问，或一并提问：yanmen join。",
)
ACROSS_TABLES = Hint(
    "A join across nodes is of two or three tables, each at a node of its own, all of them asked.",
    "跨节点连接涉及两个或三个表，分属不同节点，且须同时向各节点提问。",
)
ACROSS_NODE = Hint(
    "Add the department that has this table to the join: --node {node}=CONTRACT.",
    "请将持有该表的部门加入连接：--node {node}=合约编号。",
)
ACROSS_PLACE = Hint(
    "A table of another node stands in FROM, joined on the unit, or alone in p.id IN (SELECT d.id FROM d WHERE …)"
    " or EXISTS; not in NOT IN, nor in other queries.",
    "另一节点的表只能出现在 FROM 中（按共同个体关联），或单独出现在 p.id IN (SELECT d.id FROM d WHERE …) 或 EXISTS 中；"
    "不支持 NOT IN 及其他子查询。",
)
ACROSS_INNER = Hint("Across nodes only an inner join is answered: write JOIN.", "跨节点仅支持内连接：请写作 JOIN。")
ACROSS_UNITS = Hint(
    "Across nodes join on the common unit alone; compare other columns with literals.",
    "跨节点仅可按共同个体关联；其他列请与字面量比较。",
)
ACROSS_PLAIN = Hint(
    "Across nodes ask one SELECT of COUNT, SUM or AVG over personal tables, grouped by columns with a declared domain.",
    "跨节点请使用单个 SELECT，对个人数据表计算 COUNT、SUM 或 AVG，并按已声明值域的列分组。",
)
ACROSS_ONE_SIDE = Hint(
    "Each condition, key and argument must be of one table: the tables are at different nodes.",
    "每个条件、分组键与聚合参数只能涉及一个表：这些表分属不同节点。",
)
ACROSS_DISTINCT = Hint(
    "Where a unit may have several rows, count units across nodes alone, without a condition inside; or count rows.",
    "个体可有多行时，跨节点按个体计数须单独提问，且计数内不带条件；或改为按行计数。",
)
ACROSS_GROUPS = Hint("Across nodes there can be 1,000 groups.", "跨节点最多 1,000 个分组。")
ACROSS_ROWS = Hint(
    "A list would be of more than 4,000,000 items: take figures of one table, name others in IN (SELECT …) only.",
    "名单将超过 4,000,000 项：请仅对一个表计算，其他表只用于 IN (SELECT …) 条件。",
)
CELLS_REPLY = Hint(
    "All cells this question may have, each with its texts, are more than the node's `reply_bytes`: group by fewer"
    " columns, or by CASE with shorter results.",
    "本查询可能的全部单元格连同其文本超过该节点的 reply_bytes：请减少分组列，或在 CASE 中使用更短的结果。",
)
ACROSS_REPLY = Hint(
    "The rows of this node's table may take {needed} bytes, its reply_bytes are {bytes}. Its operator: set "
    "reply_bytes = {set}, and memory_bytes to {memory} or more, under [limits] in node.toml and start it again "
    "(a contract's own bounds stay); or its owner: declare fewer rows_upto or units_upto.",
    "本节点该表的行至多占 {needed} 字节，而其 reply_bytes 为 {bytes}。请节点运维方在 node.toml 的 [limits] 中设置 "
    "reply_bytes = {set}，memory_bytes 不低于 {memory}，并重启（合约自带的上限不变）；"
    "或由数据提供方声明更小的 rows_upto 或 units_upto。",
)
ACROSS_MEMBER = Hint(
    "Write p.id IN (SELECT d.id FROM d WHERE …), ids being the common unit; nothing else is taken of that table.",
    "请写作 p.id IN (SELECT d.id FROM d WHERE …)，id 为共同个体；该表的其他内容不得引用。",
)
ACROSS_ALONE = Hint(
    "This node answers its part of a join only with the others, under a manifest: yanmen join.",
    "本节点仅在各方共同参与的清单下回答其部分：请使用 yanmen join。",
)
COLUMN = Hint("See the catalogue for the columns of this dataset.", "请在目录中查看该数据集的列。")
COLUMN_CONTRACT = Hint("Leave it out, or request a contract that opens it.", "请去掉该列，或申请包含该列的合约。")
AMBIGUOUS = Hint("Write the table's name or alias in front of the column.", "请在列名前加表名或别名。")
ROWS = Hint(
    "Ask for COUNT, SUM or AVG, grouped by columns with a declared domain.",
    "请使用 COUNT、SUM、AVG，并按已声明值域的列分组。",
)
UNGROUPED = Hint("Put this column into GROUP BY or inside an aggregate.", "请将该列放入 GROUP BY 或聚合函数中。")
UNIT = Hint(
    "The unit column may stand only in COUNT(DISTINCT unit) and in a join's equality of units.",
    "个体标识列只能用于 COUNT(DISTINCT 个体列) 与按个体关联的等值条件。",
)
KEY_DOMAIN = Hint(
    "Group by a column with a declared domain, by CASE with literal results, by bins such as floor(x / 10), or by "
    "dates that WHERE bounds on both sides.",
    "请按已声明值域的列、各分支均为字面量的 CASE、floor(x / 10) 之类的区间，或 WHERE 已限定起止的日期分组。",
)
MEASURE_BOUNDS = Hint(
    "Sum columns with declared bounds, with + - * , CASE, COALESCE, abs and round.",
    "只能汇总已声明上下限的列及其 + - *、CASE、COALESCE、abs、round 组合。",
)
TOO_WIDE = Hint(
    "This figure could need more than 18 digits; scale it down or round it to fewer places.",
    "该数值可能超过 18 位；请缩小量级或减少小数位。",
)
DIMENSION = Hint(
    "Group and filter exact figures by declared dimensions only, compared with literals and joined by AND.",
    "精确统计仅可按已声明维度分组和筛选：维度与字面量的 =、<、>、IN、BETWEEN，并以 AND 连接。",
)
EXACT_SUMS = Hint(
    "Exact figures are COUNT, SUM and AVG of measures, added, subtracted or multiplied by literals; its owner can "
    "declare what else is wanted as a measure.",
    "精确统计仅有 COUNT、SUM、AVG，其参数为数值列的加减及与字面量之积；如需其他量，请数源部门声明为数值列。",
)
EXACT_ONE_MEASURE = Hint(
    "An exact figure is of one measure: ask for each by itself and combine the figures, as in sum(a) + sum(b).",
    "每个精确统计值只针对一个数值列：请分别统计后再组合结果，例如 sum(a) + sum(b)。",
)
OPEN_KEY = Hint(
    "A key of an open domain is grouped by alone, in a question of one grouping.",
    "开放取值域的列须单独分组，且一次查询只含一个分组。",
)
EXACT_JOIN = Hint(
    "Ask exact figures of one table: what a join leaves out would cut small groups apart.",
    "精确统计请只查询一张表：关联会按是否匹配拆分小组。",
)
EXACT_CELLS = Hint(
    "This dataset declares too many dimensions or measures for exact figures; its owner can declare fewer.",
    "该数据集声明的维度或数值列过多，无法提供精确统计；请数源部门减少声明。",
)
JOIN_UNIT = Hint("Join these tables by the equality of their unit columns.", "请以个体标识列相等来关联这些表。")
JOIN_KIND = Hint(
    "Admitted: INNER JOIN and LEFT JOIN with ON or USING, and comma joins with an equality in WHERE.",
    "支持带 ON 或 USING 的 INNER JOIN、LEFT JOIN，以及在 WHERE 中写等值条件的逗号连接。",
)
JOIN_EQUALITY = Hint(
    "Join every table by an equality of columns with a table before it.", "每个表都须以列等值与之前的表关联。"
)
JOIN_LEFT = Hint(
    "LEFT JOIN takes equalities of columns only and keeps the table about units on its left.",
    "LEFT JOIN 只接受列等值条件，且个体数据须在左侧。",
)
JOIN_SPACES = Hint(
    "These tables are about different kinds of units, or under different release rules; ask them one by one.",
    "这些数据集的个体范围或输出规则不同；请分别提问。",
)
JOIN_ROWS = Hint(
    "These joins let one unit's rows meet too often: join fewer tables, or first group each of them by the unit.",
    "这些关联使同一个体的记录相互组合过多：请减少关联的表，或先将各表按个体列分组。",
)
CELLS = Hint("Group by fewer columns or by CASE with fewer results.", "请减少分组列，或用分支更少的 CASE 分组。")
RESULT_ROWS = Hint(
    "The answer could have more rows than this node releases; equate all keys of one side of each join, group, "
    "or add LIMIT.",
    "结果行数可能超过本节点的上限；请在每个关联中对一侧的全部分组列取等值，或添加分组、LIMIT。",
)
RETRACTED = Hint("See the catalogue for what its holder offers now.", "请在目录中查看数源部门现有的数据集。")
PLAN = Hint(
    "The node could not prove that the engine would run exactly this plan: a fault of the node, tell its holder; "
    "another wording may pass.",
    "节点无法证明引擎会严格执行该计划：属节点缺陷，请告知数源部门；换一种写法或可通过。",
)
ORDINAL = Hint("Count the columns of the select list from 1.", "请使用 SELECT 列表中从 1 开始的序号。")
ALIAS_LOOP = Hint(
    "An alias may not stand inside its own definition here: write the expression out.",
    "此处别名不能引用自身：请写出完整表达式。",
)


def to_add(node: str) -> Hint:
    """Return the next step of who joins tables of several nodes and left out the one called `node`."""
    return Hint(ACROSS_NODE.en.format(node=node), ACROSS_NODE.zh.format(node=node))
