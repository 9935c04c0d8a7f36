/** Groups of charts that share their cursor and their zoom. */

export class Groups<Member> {
  private readonly groups = new Map<Member, string>();

  join(member: Member, group: string): void {
    this.groups.set(member, group);
  }

  leave(member: Member): void {
    this.groups.delete(member);
  }

  /** The other members of a member's group. */
  peers(member: Member): Member[] {
    const group = this.groups.get(member);
    if (group === undefined) return [];
    const members = [...this.groups].filter(([one, name]) => name === group && one !== member);
    return members.map(([one]) => one);
  }
}
