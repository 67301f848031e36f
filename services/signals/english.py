"""The English rules."""

import re

from services.signals.language import Language, rule, words

# What may stand before an order: a name or greeting, a linking word, a condition or a time.
_LEAD = (
    r"(?:(?<![\s\S])|(?<=[,;:–—-] )|(?<=\band )|(?<=\bso )|(?<=\bbut )|(?<=\bthen )|(?<=\balso )|(?<=\bor )|(?<=\bjust )|"
    r"(?<=\bnow )|(?<=\basap )|(?<=\btherefore )|(?<=\bagain )|(?<=\bok )|(?<=\bkindly ))"
)

_ORDERS = (
    r"(?:send|forward|give|tell|call|e-?mail|text|remind|ping|show|help|keep|bring|fax|page|mail|drop|get) (?:me|us|him|her|them)\b|"
    r"(?:call|contact|phone|ring|ask|tell|remind|copy|cc|talk to|speak to|check with|get with|coordinate with|work with) [a-z]|"
    r"(?:check|confirm|review|advise|respond|reply|rsvp|approve|sign|resend|print|verify|revise|update|forward|complete|"
    r"fill (?:out|in)|look (?:at|into|over)|take a look|have a look|make sure|be sure to|see if|find out|try to|don't forget|"
    r"do not forget|remember to|note down|put|add|include|schedule|set up|arrange|prepare|submit|change|delete|remove|use|"
    r"pick (?:up|a)|order|book|plan to|come (?:by|over)|stop by|join|read|write|let'?s (?:meet|talk|discuss|get|do|set|schedule|have|"
    r"plan|try|grab|catch|go|make|chat|speak|touch))\b"
)

_ASK = rule(
    r"\bkindly (?:send|confirm|let|advise|provide|review|reply|share|check)|"
    r"\b(?:could|can|would|will|cld|wld) (?:you|u|ya|someone|somebody|anyone|either of you|y'all)\b|"
    r"\b(?:can|could|may|might|shall|should) (?:we|i)\b.{0,200}\?|"
    r"\b(?:let|lets) (?:me|us) know\b|\bkeep (?:me|us) (?:posted|informed|updated|in the loop|up to date|advised)\b|"
    r"\b(?:get|come) back to (?:me|us)\b|\bgive (?:me|us) (?:a )?(?:call|ring|shout|buzz|your|an? |some|the )|"
    r"\b(?:i|we)(?:'d| would|'ll| will)? (?:also )?(?:need|want|like|love|prefer|appreciate)(?: for)? (?:you|it if|if you|your|to (?:hear|know|get|have|see) (?:your|from you|what you|if you|whether|how|a copy|the))\b|"
    r"\b(?:i|we)(?:'d| would) (?:greatly |really |very much |much )?(?:appreciate|welcome|value|love|be grateful for|like) (?:your|any|it|hearing|a copy|an update|feedback|comments|to (?:meet|discuss|talk|catch up|schedule|set up|get together|invite|ask|hear))|"
    r"\b(?:would|it'd|it would|that would) be (?:great|good|nice|helpful|wonderful|fantastic|appreciated|useful|ideal|perfect|best) (?:if|to (?:have|get|hear|know|see) (?:your|a|the|from)|for you)\b|"
    r"\b(?:was|am|were|are|been|just) (?:just )?(?:wondering|curious|hoping|checking|following up|writing to (?:ask|see|find out|request|inquire))\b.{0,40}\b(?:if|whether|you|about|when|what|how|on)\b|"
    r"\b(?:do|would) you mind\b|\bif you (?:could|would|can|wouldn't mind)\b.{0,120}(?:appreciate|grateful|great|help|thank|[a-z]\.?$)|"
    r"\b(?:i|we) (?:still )?(?:need|require|am waiting for|are waiting for|am awaiting|await) (?:your|you to|to know|to hear|a (?:copy|list|response|reply|decision|signed|quick)|the (?:signed|final|latest|following|updated|revised)|an? answer)\b|"
    r"\bwaiting (?:for|on) your\b|\byou (?:need to|must|should|have to|ought to|might want to|may want to)\b|"
    r"\b(?:any|your) (?:thoughts|update|updates|news|ideas|feedback|suggestions|comments|chance|questions or comments)\b.{0,80}\?|\bthoughts\?|"
    r"\b(?:i|we)(?: would|'d)? (?:ask|request|urge|suggest|propose|recommend) (?:that )?(?:you|we)\b|\b(?:are you|you) (?:free|available|around)\b|"
    r"\b(?:how|what) about\b.{0,120}\?|\blet'?s (?:plan|discuss|talk|meet|get together|set|schedule|try|touch base|do|chat|speak|catch up|grab|have)\b",
)
# The orders come first: there are fewer of them than of places where one might stand.
_ORDER = re.compile(rf"\b(?=[a-z])(?={_ORDERS}){_LEAD}")

_NO_ASK = rule(
    r"\b(?:feel free|don't hesitate|do not hesitate|no need to|you don't need to|you do not need to|don't worry|no rush|not to worry|thank you for|thanks for letting)\b|"
    r"\b(?:let (?:me|us) know|contact (?:me|us)|call (?:me|us)|e-?mail (?:me|us)|reach out|give me a (?:call|shout)|get in touch|drop me)\b.{0,60}\b(?:if|should|when|whenever) (?:you|there|i|we|anything)(?:'d|'ll| are| is| would| should)? ?(?:ever )?(?:have (?:any|other|further|more|additional|questions)|need (?:any|more|further|help|additional|assistance|something|me)|require|(?:any )?(?:questions|help|problems|issues|concerns)|can (?:help|be of|assist|do)|like more|want more|anything (?:else|comes|changes)|comes up|changes|run into|get stuck)|"
    r"\b(?:if|should) (?:you|there|anyone)(?: \w+)?(?: \w+)? (?:any |further |more |other |additional )*(?:questions?|concerns|problems|issues|assistance|help|information|trouble|difficulties)\b.{0,60}(?:let (?:me|us) know|call|contact|ask|e-?mail|reach|shout|get in touch|drop)|"
    r"\bplease (?:find|note|be (?:advised|informed|aware)|see (?:the )?(?:attached|below|enclosed)|accept|excuse|forgive|pardon|do not reply|disregard|ignore|know that|rest assured|click|visit|unsubscribe|add .{1,60} to your|be assured|keep up the|say (?:hi|hello)|(?:give|send|pass on) (?:him|her|them|everyone|everybody)? ?(?:my|our) (?:best|regards|love|greetings|congratulations)|(?:keep|stay) (?:in touch|safe|well|healthy|tuned)|join (?:me|us) in (?:congratulating|welcoming|thanking))\b|^(?:as )?you(?:'ve| have)? asked\b|\blet me know if (?:there's|there is) anything (?:else )?(?:you|we can)\b|^(?:maybe|perhaps|possibly) (?:i|we)(?:'ll| will)\b|\blet'?s (?:hope|face it|see (?:how|what|where|if) (?:it|this|that|things?|happens?|they?))\b|"
    r"\b(?:nice|good|great|lovely|(?:a )?pleasure) (?:to (?:meet|see|hear)|meeting|seeing|hearing)\b|\bclick (?:here|below|above|on)\b|\bunsubscribe\b|\bto ensure (?:delivery|that you continue)|\bsafe.sender|\baddress book\b|\bopt.?out\b|"
    r"\bif you (?:no longer|do not|don't) (?:wish|want)\b|\bwhat can i say\b|\blet me know how it goes\b.{0,5}$|\bdon't (?:bother|be)\b|\bi (?:don't|do not) need you\b|\byou should (?:have|be able|see|know|be receiving|receive|get|all)\b|\byou must (?:be|have)\b|\byou (?:need|have) to (?:be|have)\b",
)

_NO_QUESTION = rule(
    r"\b(?:how are (?:you|things)|how's (?:it going|life|everything|things)|how (?:is|have) (?:everything|you been|it going|life)|what's up|who knows|guess what|you know what|what's new|"
    r"why not|so what|who cares|isn't (?:it|that|he|she)|aren't (?:we|they|you)|doesn't (?:it|he|she)|don't (?:we|they)|wasn't (?:it|he|she|that|this)|right|eh|huh|ok|okay|no|see|remember|really|wow|ha|"
    r"what(?:'s| is) not to|can you believe|would you believe|did you know|how cool is|how great is|isn't it|won't it|what could go wrong|who would have|who wouldn't|where would we|what more could|what would (?:i|we) do without)\b[^?]{0,40}\?|"
    r"^(?:any questions|questions|need (?:any )?help|having (?:any )?(?:trouble|problems?)|forgot (?:your|the) password|was this (?:\w+ )?helpful|did (?:you find this|this help))\b[^?]{0,40}\?|"
    r"^(?:(?:i |we |just )?hop(?:e|ing)|how are (?:you|things)|can you believe|did you know|ever (?:wonder|dream)|want (?:more|to (?:save|earn|win|make|lose))|looking (?:for|to)|tired of|need (?:cash|money|a (?:loan|boost)))\b|"
    r"\b(?:unsubscribe|free trial|special offer|% off)\b",
)

_DELIVER = (
    r"(?:send|forward|share|e-?mail|mail|fax|call|phone|ring|text|ping|write|draft|prepare|finish|complete|deliver|submit|provide|get|give|let|"
    r"look|check|review|read|confirm|follow|circle|come back|put|pass|make|take|do|set|book|arrange|organi[sz]e|schedule|update|bring|"
    r"drop|ask|talk|speak|discuss|find|fix|handle|add|invite|introduce|connect|resend|have|try|see (?:if|what|whether|about|to)|work|revise|report|upload|post|print|sign|pay|"
    r"return|reply|respond|answer|keep|start|push|run|test|investigate|sort|pick|reach|touch base|contact|shoot|keep you|include|copy|cc|order|buy|leave|tell|show|"
    r"explain|summari[sz]e|compile|collect|gather|raise|bring up|remind|dig|chase|propose|suggest|cover|attach|loop|nudge|transfer|track)"
)
_MUST = r"(?:also |then |definitely |certainly |gladly |happily |quickly |probably |personally |first |now |just |go ahead and |be sure to |make sure to |try to |do my best to |of course |soon |shortly )*"

_PROMISE = rule(
    rf"\b(?:i|we)(?:'ll| will| shall|'m going to| am going to|'re going to| are going to) {_MUST}{_DELIVER}\b|"
    rf"\b(?:i|we)(?:'ll| will| shall) {_MUST}be (?:sending|calling|forwarding|sharing|getting back|in touch|writing|e-?mailing|following up|providing|submitting|able to send)\b|"
    rf"\b(?:i|we) (?:promise|commit|pledge|undertake)(?: you)?(?: to| that| i'll)? {_MUST}\w+|\bi owe you (?:a|an|the|my)\b|\byou have my word\b|"
    rf"^(?:ok(?:ay)?[,.]? |sure[,.]? |yes[,.]? |great[,.]? |and |so |thanks[,.]? )?will (?:send|do|call|forward|share|get back|let you know|check|follow up|look|revert|email|write|report|have it|try|finish|update|ask|bring|ping)\b|"
    r"\b(?:i|we) (?:can|could|should be able to) (?:get|have|send|finish|deliver) .{1,60}\b(?:by|before|tomorrow|today|tonight|on (?:mon|tue|wed|thu|fri))|"
    r"\byou(?:'ll| will) (?:have|get|receive|hear from (?:me|us)|see) (?:it|them|this|that|the|my|our|a|an|your|from me|from us|back)?\b.{0,80}\b(?:by|before|tomorrow|today|tonight|from (?:me|us)|this|next|on (?:mon|tue|wed|thu|fri)\w*)\b|"
    r"\blet me (?:check|look into|find out|get back|ask|see what i can|see if i can|talk to|think about it and|dig|confirm|send you|forward)\b|"
    r"\bi(?:'m| am) (?:planning|aiming|hoping) to (?:send|finish|have|get|share|deliver)\b.{0,120}\b(?:by|before|tomorrow|today|tonight|this week|next)\b|"
    r"\bon (?:my|our) (?:list|plate) (?:for|to)\b|\bi(?:'ll| will) (?:get|be) (?:right )?on it\b|\bleave (?:it|that) (?:with|to) me\b",
)
_NO_PROMISE = rule(
    r"\b(?:i|we)(?:'ll| will) (?:not|never|have to say|have the|get (?:the (?:chance|hang|message|idea)|used|married|over|through|to (?:see|go|meet|know|work|do))|do (?:well|fine|great|okay|nothing)|make it through|take (?:the|a) (?:day|week|vacation|nap|break|flight|train|bus|weekend)|take (?:(?:that|this|it) (?:as|from here)|my (?:time|chances|leave)|(?:\w+ ){1,3}off)|have (?:a|to|no|lunch|dinner|the|some|been|one|fun|had|left|gone|arrived|landed)|see you|keep (?:it|this) (?:short|brief|quick)|keep (?:my|our) (?:fingers|eyes)|keep (?:it|that|this|you|him|her|them) in mind|work (?:from|at|until|now|late)|leave (?:at|the|on|for|from|(?:it|that|this)(?: all| entirely)? (?:at|there|with (?!me)|to (?!me)|up to))|let you (?!know|have|see)|look forward|run (?:the|a) (?:marathon|race)|try (?:not|the|that|a|my luck)|start (?:my|at|a|the|on (?:mon|tue|wed|thu|fri|sat|sun|the \d)\w*)|read (?:the|a) book|get (?:there|lost|going|my (?:coat|breath)|back to (?:work|bed|sleep|it)|(?:a|some) (?:coffee|tea|bite|beer|drink|sleep|rest|lunch|air))|find out (?:soon|eventually|sooner|the hard way)|put (?:it (?:this|that|another) way|up with)|give (?:it|that|this|him|her|them) (?:a (?:miss|break|rest|pass)|to you straight)|do (?:my|our) best(?=[.!]?$))\b|"
    r"\b(?:i|we)(?:'m| am|'re| are) going to (?:have (?:lunch|dinner|breakfast|a|to|some|fun)|work(?! (?:on|with|out|through|this))|take (?:a|the) (?:day|week|nap|break)|get (?:a|some|my|married|there|going)|leave|run|try (?:not|my luck))\b|"
    r"^(?:(?:and|but|so|or|then),? )?(?:maybe|perhaps|possibly)\b|\b(?:maybe|perhaps|possibly) (?:i|we)(?:'ll| will)\b|\b(?:i|we)(?:'ll| will) (?:maybe|perhaps|possibly)\b|"
    r"\bwon't\b|^(?:and |but |so )?if (?!not\b|that'?s ok|time)|\b(?:i|we)(?:'ll| will) .{0,60}\b(?:if you (?:want|like|wish|need|prefer|send|give|can|could|let|have|tell|agree)|unless|only if|if (?:anything|something|there|time (?:allows|permits)|i (?:hear|need|have|find|can't|remember|manage|get (?:a|the|time|(?:a?round) to))|we (?:hear|need|have|find|manage)|needed|necessary|asked))|"
    r"\bi (?:said|thought|told|hope|guess|doubt|wish|knew|wonder if|don't think|do not think|think) (?:that )?(?:i|we)(?:'ll| will)\b|\bwhether (?:i|we) will\b|\b(?:when|if|until|before|once|where|how|what|that|which|as soon as|whatever) (?:i|we)(?:'ll| will)\b(?! (?:send|get back|let you|forward|share))|"
    r"\bif (?:needed|necessary|required|it helps|(?:that|this) helps|you (?:want|like|wish|prefer|need (?:it|them|me))|you'd like)\b|\blet me know\b|\blet me (?:check|ask|see) (?:you|if you)|\bwe will (?:make|have|take|keep|start|run|see|be)\b|"
    r"^(?:\w+ )?(?:will|shall|should|can) (?:i|we)\b|\?$|\bcall it a (?:day|night)\b|\bi'll tell you (?:what|that)\b|\bi'll give (?:you|him|her|them) (?:that|this|credit)\b|\bprovide you with (?:a|the) (?:chance|opportunity)\b|\bnever\b",
)

_THANKS = rule(
    r"\b(?:thank(?:s| you| u)|thx|thanx|grateful(?: to you)?|many thanks|much obliged|indebted to you)\b[^.!?]{0,40}?\b(?:for|that you)\b|"
    r"\b(?:i|we)(?:'m| am| are|'re)?(?: really| truly| so| very much| greatly| deeply| sincerely| do| also| just wanted to say (?:that )?i)*(?: very| much)? (?:appreciate|appreciated)\b(?: all| so much)? ?(?:your|you|the|that|this|it|how|everything|all)\b|"
    r"\b(?:your|the) (?:advice|help|feedback|introduction|intro|support|guidance|input|suggestions?|tips?|insights?|comments|recommendation|referral) (?:was|were|has been|have been|really|helped|made|is|are)\b.{0,60}\b(?:help|great|useful|invaluable|appreciat|difference|brilliant|perfect|wonderful|spot on|so good|a lot)|"
    r"\b(?:that|this|it|you|talking (?:to|with) you|our (?:chat|call|talk|conversation)) (?:really |truly |was |were |have been |has been )*(?:helped (?:me|us|a lot|so much|enormously)|(?:so|very|really|incredibly|extremely|super|a big|a great|such a|of great|a huge) ?(?:helpful|useful|help|kind|generous|valuable))\b|"
    r"\bcouldn't have (?:done|managed|made) (?:it|this|that) without you\b|\bi owe you (?:one|a (?:drink|beer|coffee|lunch|big))\b|\bthanks to (?:you|your)\b|\b(?:thank you|thanks) (?:so much|a million|a lot|again)[,!]? (?:\w+[,!]? )?(?:that|this|your|you|it) (?:was|is|were|really|helped|made)",
)
_NO_THANKS = rule(
    r"\bin advance\b|\b(?:thank(?:s| you)|grateful|appreciate)\b[^.!?]{0,30}?\bfor (?:(?:your|the|this|that|all your|my|our|a) )?(?:(?:quick|prompt|kind|recent|last|latest|swift|fast|speedy|detailed|continued|nice|lovely|below|following|previous|early|updated) )*(?:e-?mail|mail|message|note|reply|replies|response|respon\w+|answer\b|letter|update|patience|understanding|interest|attention|cooperation|co-operation|consideration|purchase|order|payment|business|subscri\w+|regist\w+|sign\w+ up|download\w*|install\w*|choosing|shopping|visit\w*|contacting|reading|following|using|joining|writing|reaching|getting back|your patience|letting|clarif\w+|confirm\w+|checking in|asking|info\b|information\b|heads.?up|reminder|call\b|tip-off|notice|nothing|being a|your time on|applying|application|enquiry|inquiry|bearing|waiting|not)|"
    r"\b(?:would|will|'d|shall|could) (?:really |greatly |very much |be |also |truly |most )*(?:appreciate|appreciated|grateful|thankful)\b|\bif you (?:could|would|can)\b|\bappreciate (?:it )?if\b|\bany (?:help|advice|feedback|input)\b|\?$|\bno,? thanks?\b|\bthank (?:god|goodness|heaven)|\b(?:said|says|say|saying|send|sent|wrote) (?:him |her |them )?(?:a )?[\"']?thank|\bthank (?:him|her|them)\b|\bthank-?you (?:note|letter|card)|\bgrateful (?:for any|if)\b",
)

_NAME = r"(?-i:[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*(?: [A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*){0,3})"
_INTRODUCTION = rule(
    rf"\b(?:introduc(?:e|ing)|intro) (?:you (?:both |two |all |guys )?to|(?:the (?:two|both) of you|you (?:two|both|guys|all)|each other)|(?:you )?to (?:my|a|our) (?:friend|colleague|former|old)|(?:my|our|a) (?:(?:good|dear|old|former|new) )*(?:friend|colleague|boss|manager|co-?founder|partner|mentor)|{_NAME}|to you)\b|"
    rf"\b(?:please |pls |i'd like you to |i want you to |i wanted you to |, )?(?:please )?(?:e-)?meet (?:my (?:friend|colleague|co-?founder|former \w+) )?{_NAME}\s?(?:[,(–—-]|who\b|from\b|cc'd|\(?cc|in cc|on cc|copied|here|$|and {_NAME}|<)|"
    rf"^{_NAME}(?: and {_NAME})?,? (?:please )?(?:e-)?meet {_NAME}|"
    r"\b(?:e-?|re-?|double )?intro(?:duc(?:e|ing|tion))? (?:you (?:two|both|all|to)|between you)|\b(?:an|this|quick|as promised,? (?:the|an)) (?:e-?mail )?intro(?:duction)?(?: e-?mail)? (?:between|to (?-i:[A-Z])|for you)|\bconsider (?:this|yourselves) (?:an |your )?(?:intro|introduc)|"
    rf"\b(?:connect(?:ing)?|put(?:ting)?|link(?:ing)?|get(?:ting)?) (?:you(?: two| both| guys| all)?|the two of you|both of you|{_NAME} and you|{_NAME}) (?:with|to|and|in touch|in contact|together|up with)\b|\bconnect(?:ing)? (?:the two of you|you two|you both|both of you|you guys)\b|"
    rf"\b(?:adding|looping in|looping|loop in|copying in|copying|cc'?ing|ccing|bringing in|i've (?:cc'd|copied|added|looped in)|i have (?:cc'd|copied|added)|i'm (?:cc'ing|copying|adding|looping in)) (?:my (?:colleague|friend|co-?founder|manager|boss|team-?mate) )?(?:in )?{_NAME}|"
    rf"{_NAME} \((?:cc'?d|in cc|copied|on cc|cc)\)|{_NAME}(?:, (?:who is )?(?:cc'?d|copied|in cc))",
    re.IGNORECASE,
)
_NO_INTRODUCTION = rule(
    r"\b(?:introduce (?:myself|ourselves|a new (?:feature|product|way|version|plan|rate|bill|amendment))|thank|thanks|could you|can you|would you|will you|please introduce|if you could|do you know|i could introduce|happy to introduce|can introduce|want me to|would like to be introduced|introduce me|introduced (?:me|us|in|by)|connect me|put me in touch|nice to meet|great to meet|good to meet|pleased to meet|let'?s meet|meet (?:in|at|on|up|next|for|with)|to meet|we meet|will meet|can meet|i'll introduce|will introduce|going to introduce)\b|"
    r"\bmeet (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december|me\b|us\b|you\b)|\b(?:adding|copying|introducing) (?:the|a|an|new|support|up|to|our new)\b|\?$",
    re.IGNORECASE,
)

ENGLISH = Language(
    code="en",
    common=words(
        "the and to of a in is you that it for on i have with be this are not will your as at we can from but if me my do was thanks "
        "please would could let know get what when hi i'll i'm let's there thank just about an by all or so any has had been they"
    ),
    ask_words=words(
        "? please pls plz kindly could can cld wld would need want let lets let's tell send give call me thoughts update updates "
        "feedback suggestions asap ask asking wondering hoping appreciate should must mind invite discuss available free around "
        "meet suggest propose recommend urge request help confirm check advise respond reply forward rsvp email e-mail text remind "
        "join chat talk speak hear know sign approve arrange resend print verify revise complete fill submit keep fax contact phone "
        "ring copy get try forget prepare ensure sure ahead coordinate someone somebody y'all waiting awaiting await grateful "
        "helpful u ping drop pick delete remove don't"
    ),
    promise_words=words(
        "i'll we'll will shall going promise commit pledge undertake owe you'll let plate able planning aiming hoping can could leave"
    ),
    thanks_words=words(
        "thank thanks thx thanx grateful obliged indebted appreciate appreciated helped helpful help advice feedback introduction intro support guidance input suggestions tips insights comments recommendation referral couldn't owe useful valuable kind generous suggestion tip"
    ),
    introduction_words=words(
        "introduce introducing introduction intro meet connect connecting touch putting linking adding looping loop copying cc'ing ccing bringing cc'd copied added e-meet e-intro together yourselves"
    ),
    ask=_ASK,
    no_ask=_NO_ASK,
    no_question=_NO_QUESTION,
    promise=_PROMISE,
    no_promise=_NO_PROMISE,
    thanks=_THANKS,
    no_thanks=_NO_THANKS,
    introduction=_INTRODUCTION,
    no_introduction=_NO_INTRODUCTION,
    pleas=words("please pls plz"),
    order=_ORDER,
    order_words=words(
        "send forward give tell call e-mail email text remind ping show help keep bring fax page mail drop get contact phone ring ask "
        "copy cc talk speak check coordinate work confirm review advise respond reply rsvp approve sign resend print verify revise "
        "update complete fill look sure see find try forget remember note put add include schedule set arrange prepare submit change "
        "delete remove use pick order book plan come stop join read write let's lets"
    ),
    helpers=words("can could would will shall cld wld"),
    persons=words("i you we u me us your my our i'd we'd i'm we're y'all someone somebody ok okay yes sure"),
)
